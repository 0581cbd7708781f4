//! The project of the canaries: one system a scheme and a source, each with a manifest of its own.

use std::fmt::Write as _;
use std::path::Path;

/// By what every secret is recognised.
pub(crate) const MARK: &str = "Kanarienvogel";

/// The secret `part` of a system.
pub(crate) fn secret(system: usize, part: &str) -> String {
    format!("{MARK}{system:02}{}qX7zL2vB8mW4pR6t", part.replace('_', ""))
}

/// What was written.
pub(crate) struct Project {
    /// The environment that it needs.
    pub(crate) env: Vec<(String, String)>,
    /// How many systems there are.
    pub(crate) systems: usize,
    /// How many secrets there are.
    pub(crate) secrets: usize,
    /// The outcomes, one a system.
    pub(crate) outcomes: Vec<String>,
    /// The secrets that must reach their system as they are.
    pub(crate) sent: Vec<(usize, String)>,
}

/// A scheme: its block, the secrets that are sent as they are, the secrets that only sign, and what is no secret.
struct Scheme {
    block: String,
    sent: &'static [&'static str],
    kept: &'static [&'static str],
    plain: &'static [(&'static str, &'static str)],
    /// What the server hands out besides.
    minted: usize,
}

#[expect(clippy::too_many_lines, reason = "it is a table: a scheme a row")]
fn scheme(number: usize, address: &str) -> Scheme {
    let token_url = format!("http://{address}/s{number:02}/token");
    let of = |block: &str, sent, kept, plain, minted| Scheme {
        block: block.to_owned(),
        sent,
        kept,
        plain,
        minted,
    };
    let client: &[(&str, &str)] = &[("client_id", "client")];
    let user: &[(&str, &str)] = &[("username", "user")];
    match number % 14 {
        0 => of("auth \"bearer\" { part = \"token\" }", &["token"], &[], &[], 0),
        1 => of(
            "auth \"api_key\" {\n header = \"x-key\"\n prefix = \"SSWS \"\n part = \"api_key\"\n}",
            &["api_key"],
            &[],
            &[],
            0,
        ),
        2 => {
            of("auth \"api_key_query\" {\n name = \"key\"\n part = \"api_key\"\n}", &["api_key"], &[], &[], 0)
        }
        3 => of(
            "auth \"basic\" {\n username = \"username\"\n password = \"password\"\n}",
            &["password"],
            &[],
            user,
            0,
        ),
        4 => of(
            &format!(
                "auth \"oauth2_client_credentials\" {{\n token_url = \"{token_url}\"\n in_form = true\n}}"
            ),
            &["client_secret"],
            &[],
            client,
            1,
        ),
        5 => of(
            &format!("auth \"oauth2_client_credentials\" {{ token_url = \"{token_url}\" }}"),
            &["client_secret"],
            &[],
            client,
            1,
        ),
        6 => of(
            &format!("auth \"oauth2_refresh\" {{\n token_url = \"{token_url}\"\n in_form = true\n}}"),
            &["client_secret", "refresh_token"],
            &[],
            client,
            2,
        ),
        7 => of(
            &format!(
                "auth \"oauth2_jwt_bearer\" {{\n token_url = \"{token_url}\"\n assertion = \"part:jwt\"\n}}"
            ),
            &["jwt"],
            &[],
            &[],
            1,
        ),
        8 => of(
            "auth \"two_step\" {\n post = \"/token\"\n in = \"basic\"\n token = \"access_token\"\n header = \"x-auth\"\n}",
            &["password"],
            &[],
            user,
            1,
        ),
        9 => of(
            "auth \"two_step\" {\n post = \"/token\"\n in = \"header\"\n first_header = \"x-first\"\n part = \"api_key\"\n token = \"access_token\"\n header = \"x-auth\"\n}",
            &["api_key"],
            &[],
            &[],
            1,
        ),
        10 => of(
            "auth \"two_step\" {\n post = \"/token\"\n in = \"json\"\n fields = { user = \"part:username\", pass = \"part:password\" }\n token = \"access_token\"\n header = \"x-auth\"\n}",
            &["password"],
            &[],
            user,
            1,
        ),
        11 => of(
            "auth \"jwt\" {\n issuer = \"xops\"\n algorithm = \"HS256\"\n header = \"authorization\"\n prefix = \"Bearer \"\n lifetime = \"1m\"\n}",
            &[],
            &["private_key"],
            &[],
            0,
        ),
        12 => of(
            "auth \"hmac\" {\n style = \"duo\"\n algorithm = \"sha512\"\n}",
            &[],
            &["secret_key"],
            &[("integration_key", "DIXYZ")],
            0,
        ),
        _ => of(
            "auth \"aws_sigv4\" {\n region = \"eu-west-1\"\n service = \"execute-api\"\n}",
            &["session_token"],
            &["secret_access_key"],
            &[("access_key_id", "AKIDEXAMPLE")],
            0,
        ),
    }
}

fn manifest(name: &str, scheme: &Scheme) -> String {
    format!(
        r#"manifest "{name}" {{
  title  = "{name}"
  domain = "identity"

  {block}

  message = response.body.message

  webhook "events" {{
    verify = "hmac"
    header = "x-signature"
    dedupe = request.body.id
    kind   = "user"
  }}

  lookup "seat" {{
    inputs = {{ user = "text" }}
    get    = "/seats/{{user}}"
    error "absent" {{ when = response.status == 404 }}
    value         = response.body.value
    outputs       = {{ note = response.body.note }}
    authoritative = true
  }}

  awf "give" {{
    achieves = "create"
    inputs   = {{ user = "text" }}
    evidence = "made up"

    put     = "/seats/{{user}}"
    outputs = {{ note = "text", secret = "text" }}
    capture = {{ note = response.body.note, secret = response.body.secret }}
    redact  = ["secret"]
    lookup "seat" {{}}
    ambiguous "resend" {{}}
    readback {{ within = "5s" }}
    undo "take" {{ with = {{ user = input.user }} }}
  }}

  awf "take" {{
    achieves = "remove"
    inputs   = {{ user = "text" }}
    evidence = "made up"

    delete = "/seats/{{user}}"
    lookup "seat" {{}}
    ambiguous "resend" {{}}
    readback {{ within = "5s" }}
    undo "give" {{ with = {{ user = input.user }} }}
  }}

  read "people" {{
    kind     = "user"
    get      = "/people"
    evidence = "made up"
    items    = response.body.items
    id       = item.id
    text {{
      handle = item.handle
      email  = item.email
      note   = item.note
    }}
  }}
}}
"#,
        block = scheme.block,
    )
}

/// Writes the project, its secrets and where they are found.
pub(crate) fn write(dir: &Path, address: &str) -> Project {
    let (config, manifests, secrets) =
        (dir.join("project/config"), dir.join("project/connectors/manifests"), dir.join("secrets"));
    for folder in [&config, &manifests, &secrets] {
        std::fs::create_dir_all(folder).expect("a folder");
    }
    let mut project =
        Project { env: Vec::new(), systems: 0, secrets: 0, outcomes: Vec::new(), sent: Vec::new() };
    let mut text = "tenant \"acme\" { principal = \"svc\" }\n".to_owned();
    let mut links = String::new();
    while project.secrets < 64 || project.systems < 14 {
        let number = project.systems;
        let name = format!("s{number:02}");
        let scheme = scheme(number, address);
        std::fs::write(manifests.join(format!("{name}.hcl")), manifest(&name, &scheme)).expect("a manifest");
        let mut credential = String::new();
        for (part, value) in scheme.plain {
            project.env.push((format!("PLAIN_{number}_{}", part.to_uppercase()), (*value).to_owned()));
            let _infallible =
                writeln!(credential, "    {part} = \"env:PLAIN_{number}_{}\"", part.to_uppercase());
        }
        let hooks = ["webhook_secret", "webhook_secret_before"];
        for (at, part) in scheme.sent.iter().chain(scheme.kept).chain(&hooks).enumerate() {
            let from = source(&mut project, &secrets, number, part, number + at);
            let _infallible = writeln!(credential, "    {part} = \"{from}\"");
            project.secrets += 1;
        }
        project.secrets += scheme.minted;
        project.sent.extend(scheme.sent.iter().map(|part| (number, (*part).to_owned())));
        let _infallible = writeln!(
            text,
            "system \"{name}\" {{\n  domain = \"identity\"\n  base_url = \"http://{address}/{name}\"\n  credential {{\n{credential}  }}\n}}\n\
             facet \"identity\" \"seat_{name}\" {{ system = \"{name}\" }}\n\
             route \"create\" \"identity\" \"seat_{name}\" {{\n  awf  = {name}.give\n  with = {{ user = person.handle }}\n}}\n\
             outcome \"outcome-{name}\" {{\n  entity = \"person\"\n  for = person.handle == \"sarah{number:02}\"\n  identity {{ seat_{name} = \"member\" }}\n}}\n"
        );
        if number > 0 {
            let _infallible = writeln!(
                links,
                "  link \"{name}\" {{\n    kind = \"user\"\n    record = \"email\"\n    entity = \"email\"\n  }}"
            );
        }
        project.outcomes.push(format!("outcome-{name}"));
        project.systems += 1;
    }
    let _infallible = writeln!(
        text,
        "entity \"person\" {{\n  mint = s00.user\n  handle = \"handle\"\n  attribute \"handle\" {{\n    type = \"text\"\n    from = s00.user.handle\n  }}\n  \
         attribute \"email\" {{\n    type = \"text\"\n    from = s00.user.email\n  }}\n{links}}}"
    );
    std::fs::write(config.join("all.hcl"), text).expect("a configuration");
    project.env.push(("CREDENTIALS_DIRECTORY".to_owned(), secrets.display().to_string()));
    let key: String =
        MARK.bytes().cycle().take(32).map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    project.env.push(("XOPS_KEY".to_owned(), key));
    project.secrets += 1;
    project
}

/// Puts a secret where the next of the four sources finds it.
fn source(project: &mut Project, folder: &Path, system: usize, part: &str, which: usize) -> String {
    let name = format!("secret-{system}-{part}");
    let path = folder.join(&name);
    match which % 4 {
        0 => {
            let variable = format!("SECRET_{system}_{}", part.to_uppercase());
            project.env.push((variable.clone(), secret(system, part)));
            format!("env:{variable}")
        }
        kind => {
            std::fs::write(&path, format!("{}\n", secret(system, part))).expect("a secret");
            match kind {
                1 => format!("file:{}", path.display()),
                2 => format!("command:/bin/cat {}", path.display()),
                _ => format!("systemd:{name}"),
            }
        }
    }
}
