//! The service graph of the shop: who calls whom, with which operations.

/// How a span came about; decides its kind and its attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// An HTTP request served: method and route.
    Http(&'static str, &'static str),
    /// An RPC served: service and method.
    Rpc(&'static str, &'static str),
    /// A database call: system, operation, table.
    Database(&'static str, &'static str, &'static str),
    /// A message published or processed: destination.
    Message(&'static str),
    /// Work inside of the service.
    Internal(&'static str),
}

/// One service of the shop.
#[derive(Debug)]
pub struct Service {
    pub name: &'static str,
    pub namespace: &'static str,
    pub language: &'static str,
    /// What it does when it is called.
    pub serves: &'static [Work],
    /// What it does itself.
    pub does: &'static [Work],
    /// Whom it calls: indexes into [`SERVICES`].
    pub calls: &'static [usize],
}

/// Index of the service where traces begin.
pub const FRONTEND: usize = 0;
pub const HEALTH_CHECK: Work = Work::Http("GET", "/healthz");

use Work::{Database, Http, Internal, Message, Rpc};

pub const SERVICES: &[Service] = &[
    Service {
        name: "frontend",
        namespace: "web",
        language: "nodejs",
        serves: &[
            Http("GET", "/"),
            Http("GET", "/product/{id}"),
            Http("POST", "/cart"),
            Http("POST", "/checkout"),
            Http("GET", "/search"),
        ],
        does: &[Internal("render page"), Internal("middleware session")],
        calls: &[1, 2, 3, 4, 5],
    },
    Service {
        name: "catalog",
        namespace: "shop",
        language: "go",
        serves: &[
            Rpc("shop.Catalog", "GetProduct"),
            Rpc("shop.Catalog", "Search"),
        ],
        does: &[
            Database("postgresql", "SELECT", "products"),
            Internal("rank results"),
        ],
        calls: &[6],
    },
    Service {
        name: "cart",
        namespace: "shop",
        language: "dotnet",
        serves: &[Rpc("shop.Cart", "AddItem"), Rpc("shop.Cart", "GetCart")],
        does: &[
            Database("redis", "HGET", "cart"),
            Database("redis", "HSET", "cart"),
        ],
        calls: &[1],
    },
    Service {
        name: "checkout",
        namespace: "shop",
        language: "java",
        serves: &[Rpc("shop.Checkout", "PlaceOrder")],
        does: &[
            Internal("prepare order"),
            Message("orders"),
            Database("postgresql", "INSERT", "orders"),
        ],
        calls: &[2, 6, 7, 8, 9],
    },
    Service {
        name: "recommendation",
        namespace: "shop",
        language: "python",
        serves: &[Rpc("shop.Recommendation", "List")],
        does: &[
            Internal("score candidates"),
            Database("redis", "MGET", "features"),
        ],
        calls: &[1],
    },
    Service {
        name: "login",
        namespace: "identity",
        language: "java",
        serves: &[Http("POST", "/api/login"), Http("GET", "/api/session")],
        does: &[
            Database("postgresql", "SELECT", "users"),
            Internal("verify password"),
        ],
        calls: &[],
    },
    Service {
        name: "currency",
        namespace: "shop",
        language: "cpp",
        serves: &[Rpc("shop.Currency", "Convert")],
        does: &[Internal("load rates")],
        calls: &[],
    },
    Service {
        name: "payment",
        namespace: "payments",
        language: "java",
        serves: &[Http("POST", "/v1/charges"), Http("GET", "/v1/charges/{id}")],
        does: &[
            Database("postgresql", "UPDATE", "charges"),
            Internal("tokenize card"),
        ],
        calls: &[10],
    },
    Service {
        name: "shipping",
        namespace: "logistics",
        language: "rust",
        serves: &[
            Rpc("shop.Shipping", "GetQuote"),
            Rpc("shop.Shipping", "ShipOrder"),
        ],
        does: &[Internal("calculate quote"), Message("shipments")],
        calls: &[],
    },
    Service {
        name: "email",
        namespace: "notify",
        language: "ruby",
        serves: &[Http("POST", "/send_order_confirmation")],
        does: &[Internal("render template"), Message("mail")],
        calls: &[],
    },
    Service {
        name: "fraud",
        namespace: "payments",
        language: "python",
        serves: &[Rpc("payments.Fraud", "Check")],
        does: &[
            Database("cassandra", "SELECT", "risk_scores"),
            Internal("evaluate model"),
        ],
        calls: &[],
    },
];
