//! `tailwater completions SHELL` and `tailwater man`: what a package installs beside the program, made from the command line itself.

use std::io::Write;

use clap::{Command, ValueEnum};
use runtime::exit;

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}

#[derive(clap::Args)]
pub struct Args {
    shell: Shell,
}

pub fn run(args: &Args, of: Command) -> i32 {
    out!("{}", String::from_utf8_lossy(&completions(args.shell, of)));
    exit::CLEAN
}

pub fn man(of: Command) -> i32 {
    out!("{}", String::from_utf8_lossy(&pages(of)));
    exit::CLEAN
}

fn completions(shell: Shell, mut of: Command) -> Vec<u8> {
    use clap_complete::Shell as Of;
    let shell = match shell {
        Shell::Bash => Of::Bash,
        Shell::Zsh => Of::Zsh,
        Shell::Fish => Of::Fish,
    };
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut of, "tailwater", &mut text);
    text
}

/// One page of all commands.
fn pages(mut command: Command) -> Vec<u8> {
    command.build();
    let mut text = Vec::new();
    let man = clap_mangen::Man::new(command.clone());
    // Writing to memory doesn't fail.
    let _ = man.render_title(&mut text);
    let _ = man.render_name_section(&mut text);
    let _ = man.render_synopsis_section(&mut text);
    let _ = man.render_options_section(&mut text);
    let commands: Vec<_> = command.get_subcommands().cloned().collect();
    for subcommand in commands {
        section(&subcommand, &mut text);
    }
    // Exit codes.
    let _ = man.render_extra_section(&mut text);
    text
}

/// What a command takes, below its name.
fn section(command: &Command, text: &mut Vec<u8>) {
    if command.get_name() == "help" {
        return;
    }
    let name = command.get_bin_name().unwrap_or(command.get_name());
    let _ = writeln!(text, ".SH \"{}\"", name.to_uppercase());
    let man = clap_mangen::Man::new(command.clone());
    let _ = man.render_description_section(text);
    let _ = man.render_synopsis_section(text);
    if command.get_arguments().next().is_some() {
        let _ = man.render_options_section(text);
    }
    for subcommand in command.get_subcommands() {
        section(subcommand, text);
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::Cli;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn each_command_is_in_each_text() {
        let names: Vec<_> = Cli::command()
            .get_subcommands()
            .map(|command| command.get_name().to_owned())
            .collect();
        assert!(names.len() > 12, "{names:?}");
        let mut texts: Vec<_> = Shell::value_variants()
            .iter()
            .map(|shell| completions(*shell, Cli::command()))
            .collect();
        texts.push(pages(Cli::command()));
        for text in texts {
            let text = String::from_utf8(text).expect("text");
            // Hyphens are escaped in man pages.
            let text = text.replace("\\-", "-").to_lowercase();
            let missing: Vec<_> = names.iter().filter(|name| !text.contains(*name)).collect();
            assert!(missing.is_empty(), "{missing:?} in\n{text}");
            assert!(text.contains("decision-wait"), "options are missing");
        }
    }
}
