//! How fast requests leave.

pub mod adaptive;
pub mod pace;
pub mod rate;
