//! From the parser's tree to ours: places kept, everything that the kernel does not evaluate refused.

use super::{Attribute, Block, Body, Node, Places, Word};
use crate::code;
use crate::finding::{Finding, suggest};
use crate::lines::LineIndex;
use crate::reader::listed;
use crate::scan::{self, DEPTH_MAX};
use hcl_edit::Span;
use hcl_edit::expr::{
    BinaryOperator, Expression, FuncCall, ObjectKey, Traversal, TraversalOperator, UnaryOperator,
};
use hcl_edit::structure::{BlockLabel, Structure};
use hcl_edit::template::{Element, Template};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use xops_kernel::expr::{Expr, Op, Path, Segment};
use xops_kernel::function::Function;
use xops_kernel::value::Value;

/// The whole file.
pub(super) fn body(
    parsed: &hcl_edit::structure::Body,
    file: &str,
    text: &str,
    findings: &mut Vec<Finding>,
) -> Body {
    let lines = Arc::new(LineIndex::of(text));
    let mut lowering = Lowering { file: Arc::from(file), text, lines, findings, refs: Vec::new() };
    lowering.body(parsed, 0..text.len())
}

struct Lowering<'f> {
    file: Arc<str>,
    text: &'f str,
    lines: Arc<LineIndex>,
    findings: &'f mut Vec<Finding>,
    /// The references of the attribute that is being lowered.
    refs: Vec<(Path, Range<usize>)>,
}

type Lowered = (Expr, Places);

fn span(of: &impl Span) -> Range<usize> {
    of.span().unwrap_or_default()
}

impl Lowering<'_> {
    fn body(&mut self, parsed: &hcl_edit::structure::Body, span_: Range<usize>) -> Body {
        let (mut attributes, mut blocks) = (Vec::new(), Vec::new());
        for structure in parsed {
            match structure {
                Structure::Attribute(attribute) => {
                    let name = Word { text: attribute.key.as_str().to_owned(), span: span(&attribute.key) };
                    attributes.push(Attribute { name, value: self.node(&attribute.value) });
                }
                Structure::Block(block) => blocks.push(self.block(block)),
            }
        }
        Body { attributes, blocks, span: span_, file: self.file.clone(), lines: self.lines.clone() }
    }

    fn block(&mut self, block: &hcl_edit::structure::Block) -> Block {
        let label = |label: &BlockLabel| Word { text: label.as_str().to_owned(), span: span(label) };
        let whole = span(block);
        Block {
            kind: Word { text: block.ident.as_str().to_owned(), span: span(&block.ident) },
            labels: block.labels.iter().map(label).collect(),
            body: self.body(&block.body, block.body.span().unwrap_or(whole.clone())),
            span: whole,
        }
    }

    fn node(&mut self, expression: &Expression) -> Node {
        self.refs.clear();
        let (expr, places) = self.lower(expression, 1);
        Node { expr, span: places.span.clone(), refs: std::mem::take(&mut self.refs), places }
    }

    fn refuse(&mut self, finding: Finding) -> Lowered {
        let places = Places { span: finding.span.clone(), refused: true, ..Places::default() };
        self.findings.push(finding);
        (Expr::Literal(Value::Null), places)
    }

    fn unsupported(&mut self, at: Range<usize>, what: &str, help: &str) -> Lowered {
        let message = format!("{what} is not supported");
        let finding = Finding::error(code::UNSUPPORTED, &*self.file, at, message, "not supported");
        self.refuse(
            finding
                .why("expressions are typed, total and deterministic: they have no more than that needs")
                .help(help.to_owned()),
        )
    }

    fn lower(&mut self, expression: &Expression, depth: usize) -> Lowered {
        let at = span(expression);
        if depth > DEPTH_MAX {
            let finding = scan::too_deep(&self.file, at);
            return self.refuse(finding);
        }
        match expression {
            Expression::Null(_) => literal(Value::Null, at),
            Expression::Bool(truth) => literal(Value::Bool(*truth.value()), at),
            Expression::String(text) => literal(Value::Text(text.value().clone()), at),
            Expression::Number(_) => self.number(at),
            Expression::StringTemplate(template) => self.template(template.iter(), &at),
            Expression::HeredocTemplate(heredoc) => self.heredoc(&heredoc.template, at),
            Expression::Parenthesis(inner) => self.lower(inner.inner(), depth + 1),
            Expression::Variable(name) => self.reference(Path::of(name.as_str(), &[]), at),
            Expression::Traversal(traversal) => self.traversal(traversal, at),
            Expression::Array(items) => {
                let lowered = items.iter().map(|item| self.lower(item, depth + 1)).collect();
                gather(lowered, at, Expr::List)
            }
            Expression::Object(object) => self.object(object, at, depth),
            Expression::Conditional(conditional) => {
                let parts = [&conditional.cond_expr, &conditional.true_expr, &conditional.false_expr];
                let lowered = parts.into_iter().map(|part| self.lower(part, depth + 1)).collect();
                gather(lowered, at, |parts| match <[Expr; 3]>::try_from(parts) {
                    Ok([condition, yes, no]) => Expr::If(condition.into(), yes.into(), no.into()),
                    Err(_) => Expr::Literal(Value::Null),
                })
            }
            Expression::FuncCall(call) => self.call(call, at, depth),
            Expression::UnaryOp(unary) => match unary.operator.value() {
                UnaryOperator::Not => {
                    let (inner, places) = self.lower(&unary.expr, depth + 1);
                    gather(vec![(inner, places)], at, |mut parts| Expr::Not(parts.remove(0).into()))
                }
                UnaryOperator::Neg => {
                    self.unsupported(at, "`-` before anything but a number", "write `0 - x`")
                }
            },
            Expression::BinaryOp(binary) => self.binary(binary, at, depth),
            Expression::ForExpr(_) => {
                let finding = Finding::error(
                    code::LOOP,
                    &*self.file,
                    at,
                    "a `for` expression is not supported",
                    "a loop",
                );
                self.refuse(
                    finding
                        .why("declarations have no loops: every expression ends, and its cost is its length")
                        .help(
                            "`list[*].name` takes a member of each element; else write the elements out"
                                .to_owned(),
                        ),
                )
            }
        }
    }

    /// From the lexeme: the parser has made a float of what is none.
    fn number(&mut self, at: Range<usize>) -> Lowered {
        let lexeme: String = self.text.get(at.clone()).unwrap_or_default().split_whitespace().collect();
        if let Ok(number) = lexeme.parse() {
            return literal(Value::Int(number), at);
        }
        let finding = Finding::error(
            code::NUMBER,
            &*self.file,
            at,
            "this number is not a 64-bit integer",
            "not an integer",
        );
        self.refuse(
            finding
                .why("fractions round differently from place to place; declarations must not")
                .help("write an integer of a smaller unit, or a text such as \"1.5\"".to_owned()),
        )
    }

    fn heredoc(&mut self, template: &Template, at: Range<usize>) -> Lowered {
        let literals: Option<String> =
            template.iter().map(|element| element.as_literal().map(|text| text.value().as_str())).collect();
        match literals {
            Some(text) => literal(Value::Text(text), at),
            None => self.template(template.iter(), &at),
        }
    }

    fn template<'e>(&mut self, elements: impl Iterator<Item = &'e Element>, at: &Range<usize>) -> Lowered {
        for element in elements.filter(|element| !element.is_literal()) {
            let (what, span_) = match element {
                Element::Directive(_) => ("directive `%{ }`", element.span()),
                _ => ("interpolation `${ }`", element.span()),
            };
            let message = format!("a text may not have an {what}").replace("an directive", "a directive");
            let finding = Finding::error(
                code::TEMPLATE,
                &*self.file,
                span_.unwrap_or(at.clone()),
                message,
                "not a literal text",
            );
            self.findings.push(
                finding
                    .why("a text is what it says; what is put together is an expression, so that it has a type")
                    .help("use `concat(...)`, or write `$${` for the characters themselves".to_owned()),
            );
        }
        (Expr::Literal(Value::Null), Places { span: at.clone(), refused: true, ..Places::default() })
    }

    fn reference(&mut self, path: Path, at: Range<usize>) -> Lowered {
        self.refs.push((path.clone(), at.clone()));
        (Expr::Ref(path), Places { span: at, ..Places::default() })
    }

    fn traversal(&mut self, traversal: &Traversal, at: Range<usize>) -> Lowered {
        let Expression::Variable(root) = &traversal.expr else {
            return self.unsupported(
                at,
                "a member of anything but a name",
                "only a reference can be followed by `.` or `[`",
            );
        };
        let mut path = Path::of(root.as_str(), &[]);
        for operator in &traversal.operators {
            let segment = match operator.value() {
                TraversalOperator::GetAttr(name) => Some(Segment::Attr(name.as_str().to_owned())),
                TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => Some(Segment::Splat),
                TraversalOperator::LegacyIndex(index) => {
                    u32::try_from(*index.value()).ok().map(Segment::Index)
                }
                TraversalOperator::Index(index) => index_segment(index),
            };
            let Some(segment) = segment else {
                let at = operator.span().unwrap_or(at);
                return self.unsupported(
                    at,
                    "this index",
                    "an index is an integer from 0 on, `*`, or a literal text",
                );
            };
            path.segments.push(segment);
        }
        self.reference(path, at)
    }

    fn object(&mut self, object: &hcl_edit::expr::Object, at: Range<usize>, depth: usize) -> Lowered {
        let (mut members, mut places) = (Vec::new(), Places { span: at, ..Places::default() });
        let mut seen = BTreeSet::new();
        for (key, value) in object {
            let at = span(key);
            let name = match key {
                ObjectKey::Ident(name) => Some(name.as_str().to_owned()),
                ObjectKey::Expression(Expression::String(text)) => Some(text.value().clone()),
                ObjectKey::Expression(_) => None,
            };
            let (member, part) = self.lower(value.expr(), depth + 1);
            let Some(name) = name else {
                self.unsupported(at, "a computed member name", "a member's name is a word or a literal text");
                places.refused = true;
                continue;
            };
            if !seen.insert(name.clone()) {
                let message = format!("the member `{name}` is written twice");
                self.findings.push(
                    Finding::error(code::TWICE, &*self.file, at, message, "the second")
                        .help("keep one of them".to_owned()),
                );
                places.refused = true;
                continue;
            }
            places.refused |= part.refused;
            places.names.push(at);
            places.parts.push(part);
            members.push((name, member));
        }
        (Expr::Object(members), places)
    }

    fn call(&mut self, call: &FuncCall, at: Range<usize>, depth: usize) -> Lowered {
        let args: Vec<Lowered> = call.args.iter().map(|arg| self.lower(arg, depth + 1)).collect();
        let namespace = call.name.namespace.iter().map(|part| format!("{}::", part.as_str()));
        let name: String = namespace.chain([call.name.name.as_str().to_owned()]).collect();
        let name_at = call.name.name.span().unwrap_or(at.clone());
        let Some((_, function, least, most)) = Function::ALL.iter().find(|(known, ..)| *known == name) else {
            let message = format!("there is no function `{name}`");
            let names = Function::ALL.map(|(known, ..)| known);
            let help = suggest(&name, names).unwrap_or_else(|| format!("there are {}", listed(&names)));
            let finding =
                Finding::error(code::UNKNOWN_FUNCTION, &*self.file, name_at, message, "unknown function");
            return self.refuse(finding.help(help));
        };
        if call.args.expand_final() {
            return self.unsupported(at, "`...` after an argument", "write the arguments out");
        }
        if !(*least..=*most).contains(&args.len()) {
            let expected = if least == most { least.to_string() } else { format!("{least} to {most}") };
            let message = format!("`{name}` takes {expected} argument{}, not {}", plural(*most), args.len());
            let finding = Finding::error(code::ARGUMENTS, &*self.file, at, message, "");
            return self.refuse(finding);
        }
        gather(args, at, |args| Expr::Call(*function, args))
    }

    fn binary(&mut self, binary: &hcl_edit::expr::BinaryOp, at: Range<usize>, depth: usize) -> Lowered {
        // A chain of operators leans to the left: its length is bounded by the parser and counts as one level here.
        let left = match &binary.lhs_expr {
            chain @ Expression::BinaryOp(_) => self.lower(chain, depth),
            other => self.lower(other, depth + 1),
        };
        let right = self.lower(&binary.rhs_expr, depth + 1);
        let op = match binary.operator.value() {
            BinaryOperator::Eq => Op::Eq,
            BinaryOperator::NotEq => Op::NotEq,
            BinaryOperator::Less => Op::Less,
            BinaryOperator::LessEq => Op::LessEq,
            BinaryOperator::Greater => Op::Greater,
            BinaryOperator::GreaterEq => Op::GreaterEq,
            BinaryOperator::And => Op::And,
            BinaryOperator::Or => Op::Or,
            BinaryOperator::Plus => Op::Add,
            BinaryOperator::Minus => Op::Sub,
            other => {
                let at = binary.operator.span().unwrap_or(at);
                return self.unsupported(
                    at,
                    &format!("the operator `{other}`"),
                    "there are `+` and `-` over integers",
                );
            }
        };
        gather(vec![left, right], at, |parts| match <[Expr; 2]>::try_from(parts) {
            Ok([left, right]) => Expr::Binary(op, left.into(), right.into()),
            Err(_) => Expr::Literal(Value::Null),
        })
    }
}

fn literal(value: Value, at: Range<usize>) -> Lowered {
    (Expr::Literal(value), Places { span: at, ..Places::default() })
}

fn gather(lowered: Vec<Lowered>, at: Range<usize>, make: impl FnOnce(Vec<Expr>) -> Expr) -> Lowered {
    let (exprs, parts): (Vec<Expr>, Vec<Places>) = lowered.into_iter().unzip();
    let refused = parts.iter().any(|part| part.refused);
    (make(exprs), Places { span: at, parts, names: Vec::new(), refused })
}

fn index_segment(index: &Expression) -> Option<Segment> {
    match index {
        Expression::Number(number) => {
            number.value().as_u64().and_then(|n| u32::try_from(n).ok()).map(Segment::Index)
        }
        Expression::String(text) => Some(Segment::Attr(text.value().clone())),
        _ => None,
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
