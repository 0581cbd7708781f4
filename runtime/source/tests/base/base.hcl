tenant "acme" { principal = "svc-xops" }

system "hr" {
  domain   = "workforce"
  base_url = "https://hr.acme.example"
  credential {
    user     = "env:HR_USER"
    password = "file:/run/secrets/hr"
  }
}

system "idp" {
  domain   = "identity"
  base_url = "https://idp.acme.example"
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
    from     = [hr.worker.email, idp.user.email]
  }
  attribute "kind" {
    type = "text"
    from = hr.worker.kind
  }
  attribute "country" {
    type = "text"
    from = hr.worker.country
  }
  attribute "department" {
    type = "text"
    from = hr.worker.department
  }
  attribute "ends" {
    type = "date"
    from = hr.worker.ends
  }
  attribute "active" {
    type = "bool"
    from = hr.worker.active
  }
  attribute "level" {
    type = "int"
    from = hr.worker.level
  }

  link "idp" {
    kind   = "user"
    record = "email"
    entity = "email"
  }
}

object "group" "staff" { id = "g-1" }
object "group" "guests" {
  id   = "g-2"
  size = 3
}

facet "workforce" "ends" { system = "hr" }
facet "identity" "account" {
  system = "idp"
  after  = facet.workforce.ends
}
facet "identity" "groups" {
  system = "idp"
  set    = true
}

route "create" "workforce" "ends" {
  awf = hr.set_end
  with {
    worker = person.handle
    date   = facet.value
  }
}
route "create" "identity" "account" {
  awf  = idp.create_user
  with = { login = person.email }
}
route "create" "identity" "groups" {
  awf = idp.add_member
  with {
    user  = state.identity.account.id
    group = facet.id
  }
}

setting "color" { type = "text" }
layering { department = "department" }
layer "global" {
  set { color = "blue" }
}

outcome "guest" {
  entity  = "person"
  for     = person.kind == "guest"
  runbook = runbook.welcome
  workforce { ends = person.ends }
  identity {
    account = "present"
    groups  = [group.guests]
  }
}

runbook "welcome" {
  plan = "onboard.guest"
  variant "v1" {
    node "end" { awf = hr.set_end }
    node "account" {
      awf   = idp.create_user
      after = node.end
    }
    node "groups" {
      awf   = idp.add_member
      after = [node.account]
    }
    node "greet" {
      awf = chat.greet
      with {
        to   = person.email
        text = concat("welcome to ", setting.color)
      }
      after = [node.groups]
    }
  }
}

schedule "hourly" {
  cron     = "0 * * * *"
  outcomes = [outcome.guest]
}

trigger "hr" "hired" {
  entity  = "person"
  outcome = outcome.guest
  find { handle = event.worker.handle }
}
