# People, groups and memberships of a directory (RFC 4519, RFC 2798): any server that speaks LDAP 3 and keeps `groupOfNames`. Facts:
# RFC 4511 (operations, result codes), RFC 2696 (pages). The catalogue has no such system.
manifest "directory" {
  title  = "LDAP directory"
  domain = "identity"

  var "base" {
    type   = "text"
    sample = "dc=acme,dc=example"
  }

  auth "basic" {
    username = "bind_dn"
    password = "password"
  }

  message = response.body.message

  lookup "person" {
    inputs = { uid = "text" }
    ldap "search" {
      dn         = "ou=people,{var.base}"
      scope      = "one"
      filter     = "(&(objectClass=inetOrgPerson)(uid={uid}))"
      attributes = ["uid", "cn", "sn", "mail", "title", "employeeNumber"]
    }
    items         = response.body.entries
    outputs       = { dn = item.dn }
    marker        = first(item.employeeNumber)
    authoritative = true
  }

  lookup "left_person" {
    inputs = { uid = "text" }
    ldap "search" {
      dn         = "ou=left,{var.base}"
      scope      = "one"
      filter     = "(uid={uid})"
      attributes = ["uid"]
    }
    items         = response.body.entries
    outputs       = { dn = item.dn }
    authoritative = true
  }

  lookup "title" {
    inputs = { uid = "text" }
    ldap "search" {
      dn         = "uid={uid},ou=people,{var.base}"
      scope      = "base"
      attributes = ["title", "uid"]
    }
    error "absent" { when = response.status == 32 }
    present       = length(response.body.entries) == 1
    value         = coalesce(response.body.entries[0].title[0], "")
    outputs       = { value = response.body.entries[0].title[0] }
    authoritative = true
  }

  lookup "group" {
    inputs = { name = "text" }
    ldap "search" {
      dn         = "cn={name},ou=groups,{var.base}"
      scope      = "base"
      attributes = ["cn", "description"]
    }
    error "absent" { when = response.status == 32 }
    present       = length(response.body.entries) == 1
    marker        = response.body.entries[0].description[0]
    authoritative = true
  }

  # The membership is asked for by itself: a group may have more members than an answer takes.
  lookup "membership" {
    inputs = {
      group = "text"
      uid   = "text"
    }
    ldap "search" {
      dn         = "cn={group},ou=groups,{var.base}"
      scope      = "base"
      filter     = "(member=uid={uid},ou=people,{var.base})"
      attributes = ["cn"]
    }
    error "absent" { when = response.status == 32 }
    items         = response.body.entries
    value         = "member"
    authoritative = true
  }

  awf "create_person" {
    achieves = "create"
    inputs = {
      uid  = "text"
      cn   = "text"
      sn   = "text"
      mail = "text"
    }
    optional = ["mail"]
    personal = ["uid", "cn", "sn", "mail"]
    outputs  = { dn = "text" }
    evidence = "RFC 4511, 4.7; RFC 2798"
    ldap "add" {
      dn = "uid={uid},ou=people,{var.base}"
      values = {
        objectClass    = ["inetOrgPerson"]
        uid            = input.uid
        cn             = input.cn
        sn             = input.sn
        mail           = input.mail
        employeeNumber = key
      }
    }
    lookup "person" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 1
      unique   = true
    }
    readback { within = "60s" }
    undo "delete_person" { with = { uid = input.uid } }
  }

  awf "delete_person" {
    achieves = "remove"
    inputs   = { uid = "text" }
    personal = ["uid"]
    evidence = "RFC 4511, 4.8"
    ldap "delete" { dn = "uid={uid},ou=people,{var.base}" }
    lookup "person" {}
    ambiguous "resend" {}
    readback { within = "60s" }
    irreversible = "the entry's other attributes and its id are gone"
  }

  # Who leaves keeps the entry, at another place.
  awf "move_out" {
    achieves = "create"
    inputs   = { uid = "text" }
    personal = ["uid"]
    evidence = "RFC 4511, 4.9"
    ldap "rename" {
      dn     = "uid={uid},ou=people,{var.base}"
      rdn    = "uid={uid}"
      parent = "ou=left,{var.base}"
    }
    lookup "left_person" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 1
    }
    readback { within = "60s" }
    undo "move_in" { with = { uid = input.uid } }
  }

  awf "move_in" {
    achieves = "remove"
    inputs   = { uid = "text" }
    personal = ["uid"]
    evidence = "RFC 4511, 4.9"
    ldap "rename" {
      dn     = "uid={uid},ou=left,{var.base}"
      rdn    = "uid={uid}"
      parent = "ou=people,{var.base}"
    }
    lookup "left_person" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 1
    }
    readback { within = "60s" }
    undo "move_out" { with = { uid = input.uid } }
  }

  awf "set_title" {
    achieves = "update"
    inputs = {
      uid   = "text"
      value = "text"
    }
    optional = ["value"]
    personal = ["uid"]
    evidence = "RFC 4511, 4.6: replace"
    ldap "modify" {
      dn      = "uid={uid},ou=people,{var.base}"
      replace = { title = input.value }
    }
    lookup "title" {}
    ambiguous "resend" { window = "30s" }
    readback { within = "60s" }
    undo "set_title" {
      with = {
        uid   = input.uid
        value = snapshot.value
      }
    }
  }

  awf "create_group" {
    achieves = "create"
    inputs = {
      name  = "text"
      first = "text"
    }
    evidence = "RFC 4519, groupOfNames: it has at least one member"
    ldap "add" {
      dn = "cn={name},ou=groups,{var.base}"
      values = {
        objectClass = ["groupOfNames"]
        cn          = input.name
        description = key
        member      = input.first
      }
    }
    lookup "group" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 1
      unique   = true
    }
    readback { within = "60s" }
    undo "delete_group" { with = { name = input.name } }
  }

  awf "delete_group" {
    achieves = "remove"
    inputs   = { name = "text" }
    evidence = "RFC 4511, 4.8"
    ldap "delete" { dn = "cn={name},ou=groups,{var.base}" }
    lookup "group" {}
    ambiguous "resend" {}
    readback { within = "60s" }
    irreversible = "its members are gone with it"
  }

  awf "add_member" {
    achieves = "create"
    inputs = {
      group = "text"
      uid   = "text"
    }
    personal = ["uid"]
    evidence = "RFC 4511, 4.6: add; attributeOrValueExists where it is one already"
    ldap "modify" {
      dn  = "cn={group},ou=groups,{var.base}"
      add = { member = concat("uid=", input.uid, ",ou=people,", var.base) }
    }
    error "already_done" { when = response.status == 20 }
    lookup "membership" {}
    ambiguous "resend" { window = "30s" }
    readback { within = "60s" }
    undo "remove_member" {
      with = {
        group = input.group
        uid   = input.uid
      }
    }
  }

  awf "remove_member" {
    achieves = "remove"
    inputs = {
      group = "text"
      uid   = "text"
    }
    personal = ["uid"]
    evidence = "RFC 4511, 4.6: delete; noSuchAttribute where it is none"
    ldap "modify" {
      dn     = "cn={group},ou=groups,{var.base}"
      delete = { member = concat("uid=", input.uid, ",ou=people,", var.base) }
    }
    error "already_done" { when = response.status == 16 }
    lookup "membership" {}
    ambiguous "resend" { window = "30s" }
    readback { within = "60s" }
    undo "add_member" {
      with = {
        group = input.group
        uid   = input.uid
      }
    }
  }

  read "people" {
    kind     = "person"
    evidence = "RFC 2696: pages"
    ldap "search" {
      dn         = "ou=people,{var.base}"
      scope      = "one"
      filter     = "(objectClass=inetOrgPerson)"
      attributes = ["uid", "cn", "sn", "mail", "title"]
      size       = 50
    }
    items = response.body.entries
    page "cursor" { next = response.body.cookie }
    id = first(item.uid)
    text {
      uid   = first(item.uid)
      cn    = first(item.cn)
      sn    = first(item.sn)
      email = first(item.mail)
      title = first(item.title)
    }
  }

  read "groups" {
    kind     = "group"
    evidence = "RFC 2696: pages"
    ldap "search" {
      dn         = "ou=groups,{var.base}"
      scope      = "one"
      filter     = "(objectClass=groupOfNames)"
      attributes = ["cn", "member"]
      size       = 50
    }
    items = response.body.entries
    page "cursor" { next = response.body.cookie }
    id = first(item.cn)
    text { name = first(item.cn) }
    texts { members = item.member }
  }
}
