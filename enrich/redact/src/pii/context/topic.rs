//! What a key of an attribute, or a word beside a number, can say that the number is.

/// What something is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) topic: Topic,
    /// Words and phrases in lower case, the words of a phrase with one space between.
    pub(crate) phrases: &'static [&'static str],
}

macro_rules! topics {
    ($($topic:ident: $phrases:expr,)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Topic { $($topic),+ }

        /// In the order of the topics.
        pub(crate) static VOCABULARY: &[Words] = &[$(Words { topic: Topic::$topic, phrases: &$phrases }),+];
    };
}

topics! {
    Phone: ["phone", "phones", "telephone", "tel", "mobile", "cell", "cellphone", "msisdn", "whatsapp", "phone number", "call me", "reach me", "sms",
        "contact number", "telefon", "telefono", "téléphone", "teléfono"],
    Fax: ["fax", "fax number", "telefax"],
    Card: ["card", "cards", "credit card", "debit card", "card number", "cc", "ccn", "pan", "cardholder", "visa", "mastercard", "amex", "maestro",
        "discover", "diners", "jcb", "unionpay", "kreditkarte", "carte bancaire", "tarjeta"],
    Cvv: ["cvv", "cvv2", "cvc", "cvc2", "cvn", "csc", "card verification", "card security", "security code", "verification value"],
    CardExpiry: ["card expiry", "card expiration", "expiry", "expiration date", "expiry date", "exp date", "valid thru", "valid through",
        "good thru", "exp month", "exp year", "card exp"],
    Ssn: ["ssn", "ssns", "social security", "social security number", "ss number"],
    Itin: ["itin", "individual taxpayer", "taxpayer id", "tax id", "tin"],
    Birth: ["birth date", "date of birth", "birthdate", "birthday", "dob", "born", "born on", "birth day", "geburtsdatum", "fecha de nacimiento",
        "date de naissance", "data di nascita"],
    HealthDate: ["admission", "admitted", "discharge", "discharged", "date of death", "deceased", "date of service", "service date", "visit date",
        "appointment", "encounter date", "admission date", "discharge date", "death date", "diagnosis date", "surgery date"],
    Passport: ["passport", "passport number", "passport no", "passport id", "reisepass", "passeport", "pasaporte"],
    MedicalRecord: ["mrn", "medical record", "medical record number", "patient id", "patient number", "patient identifier", "chart number", "health record"],
    HealthPlan: ["member id", "health plan", "beneficiary", "beneficiary number", "insurance id", "insurance number", "policy number", "subscriber id",
        "group number", "plan id", "medicaid", "hicn"],
    Mbi: ["mbi", "medicare", "medicare number"],
    BankRouting: ["aba", "routing number", "routing no", "routing", "rtn", "routing transit", "bank routing"],
    BankAccount: ["account number", "account no", "acct number", "acct no", "acct", "bank account", "checking account", "savings account",
        "kontonummer", "numero de cuenta"],
    Npi: ["npi", "national provider", "provider identifier"],
    Dea: ["dea", "dea number", "drug enforcement"],
    DriverLicense: ["driver license", "drivers license", "driver's license", "driving license", "driving licence", "license number", "licence number",
        "dl number", "fuhrerschein", "führerschein", "permis de conduire"],
    LicensePlate: ["license plate", "licence plate", "number plate", "plate number", "vehicle registration", "registration plate", "kennzeichen"],
    Vin: ["vin", "vehicle identification", "chassis number"],
    Imei: ["imei", "imeisv", "device imei"],
    Zip: ["zip", "zip code", "zipcode", "postal code", "postcode", "plz", "postleitzahl"],
    Iban: ["iban", "bank account", "account number"],
    UkNino: ["nino", "national insurance", "national insurance number", "ni number"],
    UkNhs: ["nhs", "nhs number", "nhs no"],
    DeSteuerId: ["steuer id", "steueridentifikationsnummer", "steuernummer", "idnr", "tax id", "steuerliche identifikationsnummer"],
    FrNir: ["nir", "insee", "numero de securite sociale", "sécurité sociale", "securite sociale", "carte vitale"],
    EsDni: ["dni", "nif", "nie", "documento nacional"],
    ItCodiceFiscale: ["codice fiscale", "codicefiscale"],
    NlBsn: ["bsn", "burgerservicenummer", "sofinummer"],
    BeNrn: ["nrn", "niss", "insz", "rijksregisternummer", "numero national", "national register"],
    PlPesel: ["pesel"],
    SePersonnummer: ["personnummer", "personal identity number", "personnr"],
    FiHetu: ["hetu", "henkilötunnus", "henkilotunnus", "personal identity code"],
    InAadhaar: ["aadhaar", "aadhar", "adhaar", "uidai"],
    InPan: ["pan card", "permanent account number", "pan number"],
    BrCpf: ["cpf", "cadastro de pessoas"],
    BrCnpj: ["cnpj"],
    CaSin: ["social insurance", "social insurance number", "sin number"],
    AuTfn: ["tfn", "tax file number"],
    AuMedicare: ["medicare", "medicare card"],
    PersonName: ["first name", "last name", "middle name", "full name", "given name", "family name", "surname", "maiden name", "patient name",
        "customer name", "person name", "cardholder name", "contact name", "legal name", "vorname", "nachname"],
    PostalAddress: ["street address", "home address", "postal address", "mailing address", "billing address", "shipping address", "delivery address",
        "street", "address line", "address line1", "address line2", "patient address", "customer address"],
    Coordinates: ["latitude", "longitude", "lat", "lon", "lng", "location lat", "location lon", "coordinates", "gps"],
    AwsSecret: ["aws", "secret access key", "secretaccesskey", "aws secret", "secret key"],
    // Of keys alone, and told by `secrets::named`.
    PasswordKey: [],
    TokenKey: [],
    Authorization: ["authorization", "proxy authorization"],
}

/// A set of topics: those of [`VOCABULARY`], and those of the users' own detectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Topics(u64);

impl Topics {
    /// Topics in all, those of the users' own detectors included.
    pub(crate) const COUNT_MAX: usize = 64;
    /// How many detectors of users can have a context of their own.
    pub(crate) const OWN_MAX: usize = Self::COUNT_MAX - Topic::Authorization as usize - 1;

    pub(crate) const ALL: Self = Self(u64::MAX);

    /// Of the own detector with this number, below [`Topics::OWN_MAX`].
    pub(crate) fn own(number: usize) -> Self {
        Self(1 << (Topic::Authorization as usize + 1 + number))
    }

    #[inline]
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    #[inline]
    pub(crate) fn has_any(self, of: Self) -> bool {
        self.0 & of.0 != 0
    }

    pub(crate) fn has_all(self, of: Self) -> bool {
        self.0 & of.0 == of.0
    }

    pub(crate) fn has(self, topic: Topic) -> bool {
        self.has_any(topic.into())
    }
}

impl From<Topic> for Topics {
    fn from(topic: Topic) -> Self {
        Self(1 << topic as u8)
    }
}

impl std::ops::BitOr for Topics {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl std::ops::BitOrAssign for Topics {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}
