# The system of the workforce: ends of contracts, and the records of people.
manifest "hr" {
  title  = "People system"
  domain = "workforce"

  auth "none" {}

  lookup "end" {
    inputs = { worker = "text" }
    get    = "/workers/{worker}/end"
    error "absent" { when = response.status == 404 }
    value         = response.body.date
    value_type    = "date"
    authoritative = true
  }

  awf "set_end" {
    achieves = "create"
    inputs = {
      worker = "text"
      date   = "date"
      reason = "text"
    }
    personal = ["date"]
    optional = ["reason"]
    evidence = "made up"

    put  = "/workers/{worker}/end"
    json = { date = input.date, reason = input.reason }
    lookup "end" {}
    ambiguous "resend" {}
    readback { within = "60s" }
    undo "clear_end" { with = { worker = input.worker } }
  }

  awf "change_end" {
    achieves = "update"
    inputs = {
      worker = "text"
      date   = "date"
    }
    evidence = "made up"

    put  = "/workers/{worker}/end"
    json = { date = input.date }
    lookup "end" {}
    ambiguous "resend" {}
    readback { within = "60s" }
    undo "clear_end" { with = { worker = input.worker } }
  }

  awf "clear_end" {
    achieves = "remove"
    inputs   = { worker = "text" }
    evidence = "made up"

    delete = "/workers/{worker}/end"
    lookup "end" {}
    ambiguous "resend" {}
    readback { within = "60s" }
    undo "set_end" {
      with = {
        worker = input.worker
        date   = "2099-12-31"
      }
    }
  }

  read "workers" {
    kind     = "worker"
    get      = "/workers"
    evidence = "made up"
    items    = response.body
    id       = item.id
    text {
      handle  = item.handle
      email   = item.email
      kind    = item.kind
      country = item.country
      team    = item.team
    }
    date { ends = item.ends }
    int { level = item.level }
  }
}
