//! Printing of the commands: what nobody reads any more is left out, and nothing else changes, least of all the exit code.
//!
//! The macros of the standard library panic when the other end of a pipe is gone, as after `tailwater check | head`. Only the commands print so; processes
//! that run log.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};

use runtime::exit;

/// Prints to standard output.
macro_rules! out {
    ($($text:tt)*) => { $crate::printing::output(format_args!($($text)*)) };
}

/// Prints a line to standard output.
macro_rules! outln {
    () => { $crate::printing::output(format_args!("\n")) };
    ($($text:tt)*) => { $crate::printing::output(format_args!("{}\n", format_args!($($text)*))) };
}

/// Prints a line to standard error.
macro_rules! errln {
    ($($text:tt)*) => { $crate::printing::error(format_args!("{}\n", format_args!($($text)*))) };
}

/// Output that can't be written while somebody waits for it is no success: this ends the process then.
pub fn output(text: Arguments<'_>) {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_fmt(text).and_then(|()| stdout.flush());
    match written {
        Err(cause) if cause.kind() != ErrorKind::BrokenPipe => {
            error(format_args!(
                "error: cannot write to standard output: {cause}\n"
            ));
            std::process::exit(exit::FAILED);
        }
        _ => {}
    }
}

/// There is nowhere left to say that this failed.
pub fn error(text: Arguments<'_>) {
    let _ = io::stderr().lock().write_fmt(text);
}
