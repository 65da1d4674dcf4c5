//! The detectors: what each is called, which packs hold it, and how what it finds is masked.

use std::fmt;

/// A set of detectors that one switches on together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pack {
    /// Keys, tokens and passwords.
    Secrets,
    /// Cards, by PCI DSS.
    Pci,
    /// Personal data in the sense of the GDPR.
    Gdpr,
    /// The 18 classes of HIPAA's Safe Harbor, 45 CFR 164.514(b)(2).
    Hipaa,
}

impl Pack {
    pub const ALL: [Self; 4] = [Self::Secrets, Self::Pci, Self::Gdpr, Self::Hipaa];

    /// As it is written in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Secrets => "secrets",
            Self::Pci => "pci",
            Self::Gdpr => "gdpr",
            Self::Hipaa => "hipaa",
        }
    }
}

/// How `mask` writes what a detector found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `****`.
    Stars,
    /// The first three digits of a ZIP code, `000` for the areas with fewer than 20,000 people.
    Zip,
    /// The year of a date.
    Year,
    /// Scheme, host and path of a URL, ids in the path replaced.
    Url,
    /// What may not be stored at all (PCI DSS 3.3.1): in an attribute, the attribute goes.
    Gone,
}

/// The number of a detector: those of [`TABLE`], and then the user's own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id(pub(crate) u8);

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match TABLE.get(usize::from(self.0)) {
            Some(row) => f.write_str(row.name),
            None => write!(f, "own {}", usize::from(self.0) - TABLE.len()),
        }
    }
}

/// A set of detectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Ids(u128);

impl From<Id> for Ids {
    fn from(id: Id) -> Self {
        Self(1 << id.0)
    }
}

impl Ids {
    /// Of all detectors, the user's own included.
    pub(crate) const COUNT_MAX: usize = 128;

    pub(crate) fn add(&mut self, id: Id) {
        self.0 |= 1 << id.0;
    }

    #[inline]
    pub(crate) fn has(self, id: impl Into<Id>) -> bool {
        self.0 >> id.into().0 & 1 == 1
    }

    pub(crate) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// What is known of a detector of ours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) packs: &'static [Pack],
    pub(crate) form: Form,
}

macro_rules! detectors {
    ($($packs:ident: $($detector:ident $name:literal $form:ident,)+;)+) => {
        /// The detectors of ours.
        #[expect(dead_code, reason = "those of tokens are found by their names alone")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Detector { $($($detector),+),+ }

        /// By the number of the detector.
        pub(crate) static TABLE: &[Row] = &[
            $($(Row { name: $name, packs: $packs, form: Form::$form }),+),+
        ];
    };
}

const SECRETS: &[Pack] = &[Pack::Secrets];
const PCI: &[Pack] = &[Pack::Pci];
const GDPR: &[Pack] = &[Pack::Gdpr];
const HIPAA: &[Pack] = &[Pack::Hipaa];
const BOTH: &[Pack] = &[Pack::Gdpr, Pack::Hipaa];

detectors! {
    SECRETS:
        AwsAccessKey "aws_access_key" Stars,
        AwsSecretKey "aws_secret_key" Stars,
        GithubToken "github_token" Stars,
        GitlabToken "gitlab_token" Stars,
        SlackToken "slack_token" Stars,
        SlackWebhook "slack_webhook" Stars,
        StripeKey "stripe_key" Stars,
        GoogleApiKey "google_api_key" Stars,
        GoogleOauthToken "google_oauth_token" Stars,
        OpenaiKey "openai_key" Stars,
        AnthropicKey "anthropic_key" Stars,
        HuggingfaceToken "huggingface_token" Stars,
        NpmToken "npm_token" Stars,
        PypiToken "pypi_token" Stars,
        SendgridKey "sendgrid_key" Stars,
        ShopifyToken "shopify_token" Stars,
        VaultToken "vault_token" Stars,
        GrafanaToken "grafana_token" Stars,
        DigitaloceanToken "digitalocean_token" Stars,
        Jwt "jwt" Stars,
        PrivateKey "private_key" Stars,
        UrlPassword "url_password" Stars,
        BearerToken "bearer_token" Stars,
        BasicAuth "basic_auth" Stars,
        Authorization "authorization" Stars,
        Password "password" Stars,
    ;
    PCI:
        Pan "pan" Stars,
        CardTrack "card_track" Gone,
        Cvv "cvv" Gone,
        CardExpiry "card_expiry" Stars,
    ;
    BOTH:
        Email "email" Stars,
        Phone "phone" Stars,
        Ipv4 "ipv4" Stars,
        Ipv6 "ipv6" Stars,
        Mac "mac" Stars,
        Iban "iban" Stars,
        Passport "passport" Stars,
        BirthDate "birth_date" Year,
        PersonName "person_name" Stars,
        PostalAddress "postal_address" Stars,
        Coordinates "coordinates" Stars,
    ;
    GDPR:
        UkNino "uk_nino" Stars,
        UkNhs "uk_nhs" Stars,
        DeSteuerId "de_steuer_id" Stars,
        FrNir "fr_nir" Stars,
        EsDni "es_dni" Stars,
        EsNie "es_nie" Stars,
        ItCodiceFiscale "it_codice_fiscale" Stars,
        NlBsn "nl_bsn" Stars,
        BeNrn "be_nrn" Stars,
        PlPesel "pl_pesel" Stars,
        SePersonnummer "se_personnummer" Stars,
        FiHetu "fi_hetu" Stars,
        InAadhaar "in_aadhaar" Stars,
        InPan "in_pan" Stars,
        BrCpf "br_cpf" Stars,
        BrCnpj "br_cnpj" Stars,
        CaSin "ca_sin" Stars,
        AuTfn "au_tfn" Stars,
        AuMedicare "au_medicare" Stars,
    ;
    HIPAA:
        Fax "fax" Stars,
        UsSsn "us_ssn" Stars,
        UsItin "us_itin" Stars,
        MedicalRecord "medical_record" Stars,
        UsMbi "us_mbi" Stars,
        HealthPlan "health_plan" Stars,
        BankRouting "bank_routing" Stars,
        BankAccount "bank_account" Stars,
        UsNpi "us_npi" Stars,
        UsDea "us_dea" Stars,
        DriverLicense "driver_license" Stars,
        Vin "vin" Stars,
        LicensePlate "license_plate" Stars,
        Imei "imei" Stars,
        Url "url" Url,
        UsZip "us_zip" Zip,
        HealthDate "health_date" Year,
        Biometric "biometric" Gone,
    ;
}

impl From<Detector> for Id {
    #[inline]
    fn from(detector: Detector) -> Self {
        Self(detector as u8)
    }
}

/// The detector of this name.
pub(crate) fn named(name: &str) -> Option<Id> {
    TABLE
        .iter()
        .position(|row| row.name == name)
        .map(|at| Id(at as u8))
}

/// Every detector of ours: its name and the packs that hold it.
pub fn detectors() -> impl Iterator<Item = (&'static str, &'static [Pack])> {
    TABLE.iter().map(|row| (row.name, row.packs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_room_is_left_for_the_users_own() {
        let mut names: Vec<_> = TABLE.iter().map(|row| row.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TABLE.len());
        assert!(TABLE.len() + 40 <= Ids::COUNT_MAX);
        assert_eq!(named("pan"), Some(Detector::Pan.into()));
        assert_eq!(format!("{:?}", Id::from(Detector::Biometric)), "biometric");
    }
}
