//! Calls: which function is meant, and whether its arguments fit.

use super::Compiler;
use crate::editors::{Edit, editors};
use crate::expr::Call;
use crate::expr::Expr;
use crate::functions::{Args, Bound, Converter, Kind, MISSING, Parameter, converters};
use crate::problem::did_you_mean;
use crate::syntax::ast;
use crate::telemetry::{Context, Part};

impl Compiler<'_> {
    pub(super) fn converter(&mut self, call: &ast::Call) -> Option<Expr> {
        let converter = self.find(call);
        let keys = self.keys(&call.keys);
        let converter = converter?;
        let args = self.bind(call, converter.parameters)?;
        let made = self.made(call, (converter.make)(args))?;
        Some(Expr::Call(made, keys?))
    }

    pub(crate) fn editor(&mut self, call: &ast::Call) -> Option<Edit> {
        let name = &call.name;
        let context = self.context;
        let Some(editor) = editors(context).find(|editor| editor.name == name) else {
            let help = did_you_mean(name, editors(context).map(|editor| editor.name));
            let message = match editors(Context::Metric).any(|editor| editor.name == name) {
                true => format!("`{name}` is an editor of the context `metric` alone"),
                false => format!("no editor `{name}`"),
            };
            self.report.add_with_help(call.at, message, help);
            return None;
        };
        let args = self.bind(call, editor.parameters)?;
        let made = (editor.make)(args);
        let edit = made
            .map_err(|message| self.report.add(call.at, message))
            .ok()?;
        // An editor that names its target itself may stand where there is none.
        let mut parts = self.context.prefixes().iter();
        if edit.target() == Part::Span && parts.all(|(_, part)| *part != Part::Span) {
            let message = format!(
                "`{name}` needs a span, and the context `{}` has none",
                self.context.name()
            );
            self.report.add(call.at, message);
            return None;
        }
        Some(edit)
    }

    fn made(&mut self, call: &ast::Call, made: Result<Call, String>) -> Option<Call> {
        made.map_err(|message| self.report.add(call.at, message))
            .ok()
    }

    fn find(&mut self, call: &ast::Call) -> Option<&'static Converter> {
        let name = &call.name;
        let converter = converters().find(|converter| converter.name == name);
        if let Some(converter) = converter.filter(|converter| self.is_known(converter)) {
            return Some(converter);
        }
        if name == "Now" {
            let message = "`Now` is not available here: the same telemetry must give the same result whenever it is read again";
            self.report.add(call.at, message);
            return None;
        }
        if let Some((_, reason)) = MISSING.iter().find(|(missing, _)| missing == name) {
            self.report
                .add(call.at, format!("`{name}` is not available: {reason}"));
            return None;
        }
        let message = if converter.is_some() {
            format!(
                "`{name}` is not a function of the context `{}`",
                self.context.name()
            )
        } else if name.starts_with(|first: char| first.is_ascii_lowercase()) {
            format!("converters begin with an upper-case letter, `{name}` doesn't")
        } else {
            format!("no function `{name}`")
        };
        let help = did_you_mean(
            name,
            converters()
                .map(|converter| converter.name)
                .filter(|known| known != name),
        );
        self.report.add_with_help(call.at, message, help);
        None
    }

    fn is_known(&self, converter: &Converter) -> bool {
        match converter.name {
            "IsRootSpan" => self.context == Context::Span,
            "HasAttrKeyOnDatapoint" | "HasAttrOnDatapoint" => self.context == Context::Metric,
            "Now" => self.has_clock,
            _ => true,
        }
    }

    /// The arguments by parameter.
    pub(super) fn bind(
        &mut self,
        call: &ast::Call,
        parameters: &'static [Parameter],
    ) -> Option<Args> {
        let required = parameters
            .iter()
            .filter(|parameter| !parameter.optional)
            .count();
        let (given, most) = (call.arguments.len(), parameters.len());
        if !(required..=most).contains(&given) {
            let names: Vec<_> = parameters.iter().map(Parameter::shown).collect();
            let message = format!(
                "`{}` takes ({}), found {given} arguments",
                call.name,
                names.join(", ")
            );
            self.report.add(call.at, message);
            return None;
        }
        let mut bound: Vec<Option<Bound>> = (0..most).map(|_| None).collect();
        let mut sound = true;
        let mut named = false;
        for (position, argument) in call.arguments.iter().enumerate() {
            named |= argument.name.is_some();
            let Some(at) = self.parameter(call, argument, position, named, parameters) else {
                sound = false;
                continue;
            };
            match self.argument(&argument.value, parameters[at].kind, parameters[at].name) {
                Some(value) => bound[at] = Some(value),
                None => sound = false,
            }
        }
        let missing =
            |(at, parameter): (usize, &Parameter)| bound[at].is_none() && !parameter.optional;
        let missing = parameters.iter().enumerate().find(|pair| missing(*pair));
        if let (true, Some((_, parameter))) = (sound, missing) {
            let message = format!("`{}` needs `{}`", call.name, parameter.name);
            self.report.add(call.at, message);
            return None;
        }
        sound.then_some(Args(bound))
    }

    /// The number of the parameter that an argument is for.
    fn parameter(
        &mut self,
        call: &ast::Call,
        argument: &ast::Argument,
        position: usize,
        named: bool,
        parameters: &[Parameter],
    ) -> Option<usize> {
        let Some(name) = &argument.name else {
            if named {
                self.report.add(
                    argument.at,
                    "an argument without name behind one with a name",
                );
                return None;
            }
            return Some(position);
        };
        let found = parameters
            .iter()
            .position(|parameter| parameter.is_named(name));
        if found.is_none() {
            let message = format!("`{}` has no parameter `{name}`", call.name);
            let help = did_you_mean(name, parameters.iter().map(|parameter| parameter.name));
            self.report.add_with_help(argument.at, message, help);
        }
        found
    }

    fn argument(&mut self, value: &ast::Expr, kind: Kind, name: &str) -> Option<Bound> {
        use ast::ExprKind;
        let mut must_be = |what: &str| {
            self.report
                .add(value.at, format!("`{name}` must be {what}"));
            None
        };
        match (kind, &value.kind) {
            (Kind::LiteralText, ExprKind::Text(text)) => Some(Bound::Text(text.clone())),
            (Kind::LiteralInt, ExprKind::Int(number)) => Some(Bound::Int(*number)),
            (Kind::LiteralBool, ExprKind::Bool(value)) => Some(Bound::Bool(*value)),
            (Kind::LiteralFloat, ExprKind::Float(number)) => Some(Bound::Float(*number)),
            (Kind::LiteralFloat, _) => must_be("a number with a decimal point, such as 10.0"),
            (Kind::LiteralText, _) => must_be("a string in quotes"),
            (Kind::LiteralInt, _) => must_be("an integer without sign"),
            (Kind::LiteralBool, _) => must_be("true or false"),
            (Kind::Function, ExprKind::Enum(function) | ExprKind::FunctionName(function)) => {
                let reference = ast::Call {
                    at: value.at,
                    name: function.clone(),
                    arguments: Vec::new(),
                    keys: Vec::new(),
                };
                self.find(&reference).map(Bound::Function)
            }
            (Kind::Function, _) => must_be("the name of a converter"),
            (Kind::Place | Kind::MapPlace | Kind::ListPlace, ExprKind::Path(path)) => {
                self.place(path).map(Bound::Place)
            }
            (Kind::Place | Kind::MapPlace | Kind::ListPlace, _) => must_be("a path"),
            (Kind::ListOf(kind), ExprKind::List(values)) => self.elements(values, *kind, name),
            (Kind::ListOf(_), _) => must_be("a list in brackets"),
            _ => self.typed(value, kind, name).map(Bound::Expr),
        }
    }

    fn elements(&mut self, values: &[ast::Expr], kind: Kind, name: &str) -> Option<Bound> {
        if kind == Kind::LiteralText {
            let text = |value: &ast::Expr| match self.argument(value, kind, name) {
                Some(Bound::Text(text)) => Some(text),
                _ => None,
            };
            let texts: Vec<_> = values.iter().map(text).collect();
            return texts.into_iter().collect::<Option<_>>().map(Bound::Texts);
        }
        let exprs: Vec<_> = values
            .iter()
            .map(|value| self.typed(value, kind, name))
            .collect();
        exprs.into_iter().collect::<Option<_>>().map(Bound::List)
    }

    /// An expression; a literal must be of the parameter's type.
    fn typed(&mut self, value: &ast::Expr, kind: Kind, name: &str) -> Option<Expr> {
        let expr = self.expr(value)?;
        let checked = expr.literal().map(|literal| kind.check(literal.clone()));
        if let Some(Err(error)) = checked {
            self.report.add(value.at, format!("`{name}`: {error}"));
            return None;
        }
        Some(expr)
    }
}

impl Parameter {
    /// Names may be written in camel case.
    fn is_named(&self, name: &str) -> bool {
        let plain = |name: &str| name.replace('_', "").to_ascii_lowercase();
        plain(self.name) == plain(name)
    }

    fn shown(&self) -> String {
        match self.optional {
            true => format!("{}?", self.name),
            false => self.name.to_owned(),
        }
    }
}
