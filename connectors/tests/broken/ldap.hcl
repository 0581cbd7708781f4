manifest "directory" {
  title  = "Directory"
  domain = "identity"

  auth "basic" {}

  lookup "person" {
    inputs = { uid = "text" }
    ldap "search" {
      dn         = "ou=people,,dc=acme"
      filter     = "({uid}=x)"
      attributes = ["uid", "not one"]
    }
    items         = response.body.entries
    authoritative = true
  }

  lookup "listed" {
    inputs = { uid = "text" }
    ldap "search" {
      dn         = "ou=people,dc=acme"
      filter     = "(uid={who})"
      attributes = ["uid"]
      size       = 100
    }
    items         = response.body.entries
    authoritative = true
  }

  lookup "sought" {
    inputs = { uid = "text" }
    ldap "find" { dn = "uid={uid},dc=acme" }
    error "absent" { when = response.status == 32 }
    authoritative = true
  }

  awf "change" {
    achieves = "update"
    inputs   = { uid = "text" }
    ldap "modify" { dn = "uid={uid},dc=acme" }
    lookup "listed" {}
    ambiguous "resend" {}
    irreversible = "for this test"
  }
}
