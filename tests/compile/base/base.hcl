# What every case begins with: three systems, a person, and the facets that outcomes may want of them.

tenant "acme" { principal = "svc" }

system "hr" {
  domain   = "workforce"
  base_url = "https://hr.acme.example"
}
system "dir" {
  domain   = "identity"
  base_url = "https://dir.acme.example"
}
system "chat" {
  domain   = "communications"
  base_url = "https://chat.acme.example"
}

entity "person" {
  mint   = hr.worker
  handle = "handle"

  attribute "handle" {
    type = "text"
    from = hr.worker.handle
  }
  attribute "email" {
    type     = "text"
    personal = true
    from     = hr.worker.email
  }
  attribute "kind" {
    type = "text"
    from = hr.worker.kind
  }
  attribute "country" {
    type = "text"
    from = hr.worker.country
  }
  attribute "team" {
    type = "text"
    from = hr.worker.team
  }
  attribute "ends" {
    type = "date"
    from = hr.worker.ends
  }
  attribute "level" {
    type = "int"
    from = hr.worker.level
  }

  link "dir" {
    kind   = "user"
    record = "login"
    entity = "email"
  }
  link "chat" {
    kind   = "member"
    record = "email"
    entity = "email"
  }
}

object "group" "staff" { id = "g-staff" }
object "group" "guests" { id = "g-guests" }
object "group" "design" { id = "g-design" }
object "channel" "general" { id = "c-general" }
object "channel" "design" { id = "c-design" }

facet "workforce" "ends" { system = "hr" }
route "create" "workforce" "ends" {
  awf = hr.set_end
  with {
    worker = person.handle
    date   = facet.value
  }
}
route "update" "workforce" "ends" {
  awf = hr.change_end
  with {
    worker = person.handle
    date   = facet.value
  }
}

facet "identity" "account" {
  system = "dir"
  after  = [facet.workforce.ends]
}
route "create" "identity" "account" {
  awf  = dir.create_account
  with = { login = person.email }
}
route "remove" "identity" "account" {
  awf  = dir.disable_account
  with = { id = link.dir.id }
}

facet "identity" "groups" {
  system = "dir"
  set    = true
  after  = [facet.identity.account]
}
route "create" "identity" "groups" {
  awf = dir.add_member
  with {
    user  = state.identity.account.id
    group = facet.id
  }
}
route "remove" "identity" "groups" {
  awf = dir.remove_member
  with {
    user  = link.dir.id
    group = facet.id
  }
}

facet "communications" "channels" {
  system = "chat"
  set    = true
  after  = [facet.identity.groups]
}
route "create" "communications" "channels" {
  awf = chat.invite
  with {
    channel = facet.id
    user    = link.chat.id
  }
}
route "remove" "communications" "channels" {
  awf = chat.kick
  with {
    channel = facet.id
    user    = link.chat.id
  }
}

# The color of a card can be chosen, and can be taken back only by whoever knows the route.
facet "communications" "card" { system = "chat" }
route "create" "communications" "card" {
  awf = chat.color
  with {
    user  = link.chat.id
    color = facet.value
  }
}
