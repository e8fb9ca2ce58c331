//! Expressions: CEL that a policy may have, with bounds that make it safe to evaluate (faults.md, L09).
//!
//! What an expression may do is bounded when it is compiled, so that no policy can make routing slow or undecided: a
//! short text, no loop within a loop, and no list made from fields, whose order is nobody's.

use cel::common::ast::{ComprehensionExpr, Expr, IdedExpr};
use cel::parser::PrattParser;

use crate::policy::nearest;
use crate::text::cut;

/// The longest expression, in bytes.
pub const LONGEST: usize = 1024;
/// The longest reason kept of an expression that could not be evaluated, in characters.
pub(crate) const REASON: usize = 200;
/// The deepest nesting: each level takes its share of the stack.
const DEEPEST: usize = 48;
/// What an expression may call, beside the operators, `has`, `all`, `exists` and `exists_one`.
const FUNCTIONS: &[&str] = &["contains", "startsWith", "endsWith", "size", "string", "int", "double", "bool"];

/// What an expression is about, and how its mistakes are told.
pub(crate) struct Names {
    /// What the policy calls it, such as `condition`.
    pub(crate) noun: &'static str,
    /// Its variables.
    pub(crate) variables: &'static [&'static str],
    /// The fields of a variable; `None` where it may have any.
    pub(crate) fields: fn(&str) -> Option<&'static [&'static str]>,
    /// What to do about one that is too large.
    pub(crate) smaller: &'static str,
    /// An example.
    pub(crate) example: &'static str,
}

/// Why a text is not an expression that a policy may have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Invalid {
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub fix: String,
    /// The line in the expression, from 1; 0 when it concerns the whole.
    pub line: usize,
    /// The column in that line, from 1; 0 when it concerns the whole.
    pub column: usize,
}

impl Invalid {
    pub(crate) fn whole(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what: what.into(), fix: fix.into(), line: 0, column: 0 }
    }
}

/// Compiles `text`, which may use `names`.
pub(crate) fn compile(text: &str, names: &Names) -> Result<IdedExpr, Invalid> {
    let noun = names.noun;
    if text.len() > LONGEST {
        let what = format!("the {noun} has {} bytes, and {LONGEST} are the most", text.len());
        return Err(Invalid::whole(what, names.smaller));
    }
    let expression = PrattParser::default().parse(text).map_err(|errors| {
        let first = errors.errors.first();
        let (line, column) = first.map_or((0, 0), |error| error.pos);
        let said = first.map_or("it is not CEL", |error| error.msg.as_str());
        let said = said.strip_prefix("Syntax error: ").unwrap_or(said);
        Invalid {
            what: format!("the {noun} does not compile: {} at line {line}, column {column} of it", cut(said, REASON)),
            fix: format!("write CEL, such as `{}`", names.example),
            line: usize::try_from(line).unwrap_or(0),
            column: usize::try_from(column).unwrap_or(0),
        }
    })?;
    Allowed { names, bound: Vec::new(), depth: 0 }.check(&expression)?;
    Ok(expression)
}

/// Refuses names that do not exist and work that has no bound.
struct Allowed<'n> {
    names: &'n Names,
    /// The variables of the loop around.
    bound: Vec<String>,
    depth: usize,
}

impl Allowed<'_> {
    fn check(&mut self, expression: &IdedExpr) -> Result<(), Invalid> {
        if self.depth == DEEPEST {
            let what = format!("the {} is nested more than {DEEPEST} deep", self.names.noun);
            return Err(Invalid::whole(what, self.names.smaller));
        }
        self.depth += 1;
        let checked = self.level(&expression.expr);
        self.depth -= 1;
        checked
    }

    fn level(&mut self, expression: &Expr) -> Result<(), Invalid> {
        match expression {
            Expr::Ident(name) if self.bound.contains(name) => Ok(()),
            Expr::Ident(name) => self.known("variable", name, self.names.variables),
            Expr::Select(select) => {
                self.check(&select.operand)?;
                match &select.operand.expr {
                    Expr::Ident(variable) if !self.bound.contains(variable) => match (self.names.fields)(variable) {
                        Some(fields) => self.known(&format!("field of `{variable}`"), &select.field, fields),
                        None => Ok(()),
                    },
                    _ => Ok(()),
                }
            }
            Expr::Call(call) => {
                if call.func_name.starts_with(|c: char| c.is_ascii_alphabetic()) {
                    self.known("function", &call.func_name, FUNCTIONS)?;
                }
                call.target.iter().map(AsRef::as_ref).chain(&call.args).try_for_each(|part| self.check(part))
            }
            Expr::List(list) => list.elements.iter().try_for_each(|part| self.check(part)),
            Expr::Comprehension(each) => self.each(each),
            Expr::Literal(_) => Ok(()),
            Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => {
                let what = format!("the {} makes a map", self.names.noun);
                Err(Invalid::whole(what, "compare the fields one by one"))
            }
        }
    }

    fn each(&mut self, each: &ComprehensionExpr) -> Result<(), Invalid> {
        if !self.bound.is_empty() {
            let what = format!("the {} has a loop within a loop", self.names.noun);
            return Err(Invalid::whole(what, "write it with one `exists` or `all`"));
        }
        if matches!(each.accu_init.expr, Expr::List(_)) {
            let noun = self.names.noun;
            let what = format!("the {noun} makes a list with `map` or `filter`, and labels have no order");
            return Err(Invalid::whole(what, "ask with `exists`, `all` or `exists_one`"));
        }
        self.check(&each.iter_range)?;
        self.bound.extend([each.iter_var.clone(), each.accu_var.clone()]);
        self.bound.extend(each.iter_var2.clone());
        let parts = [&each.loop_cond, &each.loop_step, &each.result];
        let inside = parts.into_iter().try_for_each(|part| self.check(part));
        self.bound.clear();
        inside
    }

    fn known(&self, kind: &str, name: &str, names: &[&str]) -> Result<(), Invalid> {
        if names.contains(&name) {
            return Ok(());
        }
        let fix = match nearest(name, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("use one of: {}", names.join(", ")),
        };
        Err(Invalid::whole(format!("the {} uses an unknown {kind}: `{name}`", self.names.noun), fix))
    }
}
