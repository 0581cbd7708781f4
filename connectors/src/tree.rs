//! XML from expressions: elements in the order of writing, `"@name"` an attribute, `"#text"` the text beside it.
//!
//! Invariants: text cannot leave its element; a member that is `Null` is left out.

use crate::auth::{Auth, WS_SECURITY_SLOT};
use crate::model::Soap;
use crate::scope::{Scope, scalar};
use crate::xml;
use std::fmt::Write as _;
use xops_kernel::expr::Expr;
use xops_kernel::value::Value;

/// How names are written.
#[derive(Clone, Copy)]
struct Names {
    /// What stands before the names of elements.
    element: &'static str,
    /// What stands before the names of attributes.
    attribute: &'static str,
}

/// A document whose root is the one member of `content`.
pub(crate) fn document(scope: &Scope<'_>, content: &Expr) -> Result<String, String> {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    let Tree::Object(members) = Tree::of(scope, content) else {
        return Err("the XML body is no object".to_owned());
    };
    for (name, member) in &members {
        member.push(name, Names { element: "", attribute: "" }, &mut out)?;
    }
    Ok(out)
}

/// A SOAP 1.1 envelope around `content`, whose members are written in the order of writing.
pub(crate) fn envelope(scope: &Scope<'_>, soap: &Soap, content: &Expr) -> Result<String, String> {
    let slot = if wears(&scope.manifest.auth) { WS_SECURITY_SLOT } else { "" };
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    out.push_str("<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:b=\"");
    xml::push_escaped(&soap.namespace, &mut out)?;
    out.push_str("\"><soapenv:Header>");
    out.push_str(slot);
    out.push_str("</soapenv:Header><soapenv:Body>");
    let Tree::Object(members) = Tree::of(scope, content) else {
        return Err("the SOAP body is no object".to_owned());
    };
    let attribute = if soap.qualified_attributes { "b:" } else { "" };
    for (name, member) in &members {
        member.push(name, Names { element: "b:", attribute }, &mut out)?;
    }
    out.push_str("</soapenv:Body></soapenv:Envelope>");
    Ok(out)
}

/// Whether envelopes carry the credential. Where several schemes stand side by side, the other ones are not for envelopes.
fn wears(auth: &Auth) -> bool {
    match auth {
        Auth::WsSecurity => true,
        Auth::Several { by_path, otherwise } => {
            wears(otherwise) || by_path.iter().any(|(_, auth)| wears(auth))
        }
        _ => false,
    }
}

/// A value that remembers the order in which its members were written.
enum Tree {
    Leaf(Value),
    List(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

impl Tree {
    fn of(scope: &Scope<'_>, expr: &Expr) -> Self {
        match expr {
            Expr::Object(members) => Self::Object(
                members.iter().map(|(name, member)| (name.clone(), Self::of(scope, member))).collect(),
            ),
            Expr::List(items) => Self::List(items.iter().map(|item| Self::of(scope, item)).collect()),
            Expr::If(condition, yes, no) => Self::of(scope, if scope.holds(condition) { yes } else { no }),
            other => Self::plain(scope.value(other)),
        }
    }

    fn plain(value: Value) -> Self {
        match value {
            Value::List(items) => Self::List(items.into_iter().map(Self::plain).collect()),
            Value::Map(members) => {
                Self::Object(members.into_iter().map(|(name, member)| (name, Self::plain(member))).collect())
            }
            leaf => Self::Leaf(leaf),
        }
    }

    fn push(&self, name: &str, names: Names, out: &mut String) -> Result<(), String> {
        let b = names.element;
        match self {
            Self::Leaf(Value::Null) => Ok(()),
            Self::List(items) => items.iter().try_for_each(|item| item.push(name, names, out)),
            Self::Leaf(value) => {
                let _infallible = write!(out, "<{b}{name}>");
                xml::push_escaped(&value.to_string(), out)?;
                let _infallible = write!(out, "</{b}{name}>");
                Ok(())
            }
            Self::Object(members) => Self::push_element(name, members, names, out),
        }
    }

    fn push_element(
        name: &str,
        members: &[(String, Self)],
        names: Names,
        out: &mut String,
    ) -> Result<(), String> {
        let Names { element: b, attribute: prefix } = names;
        let _infallible = write!(out, "<{b}{name}");
        for (attribute, member) in members {
            if let (Some(attribute), Self::Leaf(value)) = (attribute.strip_prefix('@'), member)
                && let Some(text) = scalar(value)
            {
                let _infallible = write!(out, " {prefix}{attribute}=\"");
                xml::push_escaped(&text, out)?;
                out.push('"');
            }
        }
        out.push('>');
        for (child, member) in members.iter().filter(|(child, _)| !child.starts_with('@')) {
            match (child.as_str(), member) {
                ("#text", Self::Leaf(value)) => xml::push_escaped(&scalar(value).unwrap_or_default(), out)?,
                _ => member.push(child, names, out)?,
            }
        }
        let _infallible = write!(out, "</{b}{name}>");
        Ok(())
    }
}
