//! National identity, tax and health numbers of Europe, by country.

pub(crate) mod benelux;
pub(crate) mod de;
pub(crate) mod es;
pub(crate) mod fr;
pub(crate) mod it;
pub(crate) mod nordic;
pub(crate) mod pl;
pub(crate) mod uk;
