# Google Vault: matters and holds. A matter is closed, not removed; only open matters take holds. Our key stands in the
# description of a matter.
manifest "google_vault" {
  title   = "Google Vault"
  domain  = "service"
  extends = "google"

  auth "google_service_account" {
    scopes  = ["https://www.googleapis.com/auth/ediscovery"]
    subject = "var:delegate"
  }

  limit "project" {
    rate        = 120
    per         = "1m"
    reserve     = 50
    concurrency = 2
  }

  # An open matter by its name, which need not be unique.
  lookup "matter_by_name" {
    inputs = { name = "text" }
    get    = "/v1/matters"
    query = {
      state     = "OPEN"
      view      = "BASIC"
      pageSize  = 100
      pageToken = page.cursor
    }
    items         = list(response.body.matters)
    where         = item.name == input.name
    value         = "open"
    outputs       = { matter = item.matterId }
    marker        = item.description
    authoritative = true
    page "cursor" { next = response.body.nextPageToken }
  }

  lookup "open_matter" {
    inputs = { matter = "text" }
    get    = "/v1/matters/{matter}"
    query  = { view = "BASIC" }
    error "absent" { when = response.status == 404 && response.body.error.status == "NOT_FOUND" }
    absent        = contains(["CLOSED", "DELETED"], response.body.state)
    present       = response.body.state == "OPEN"
    value         = "open"
    authoritative = true
  }

  # A hold by its name in its matter.
  lookup "hold" {
    inputs = {
      matter = "text"
      name   = "text"
    }
    get = "/v1/matters/{matter}/holds"
    query = {
      view      = "FULL_HOLD"
      pageSize  = 100
      pageToken = page.cursor
    }
    items = list(response.body.holds)
    where = item.name == input.name
    value = "held"
    outputs = {
      hold    = item.holdId
      corpus  = item.corpus
      account = item.accounts[0].email
      query   = item.query
    }
    authoritative = true
    page "cursor" { next = response.body.nextPageToken }
  }

  awf "create_matter" {
    achieves = "create"
    inputs = {
      name        = "text"
      description = "text"
    }
    optional = ["description"]
    outputs  = { matter = "text" }
    evidence = "vendor spec"

    post = "/v1/matters"
    json = {
      name        = input.name
      description = concat(coalesce(input.description, input.name), " (", key, ")")
    }
    capture = { matter = response.body.matterId }

    lookup "matter_by_name" {}
    ambiguous "probe" {
      window   = "2m"
      agreeing = 3
    }
    readback {
      within = "2m"
      every  = "5s"
    }
    undo "close_matter" {
      with = { matter = output.matter }
      loss = "the matter remains, closed"
    }
  }

  awf "close_matter" {
    achieves = "remove"
    inputs   = { matter = "text" }
    evidence = "vendor spec"

    post = "/v1/matters/{matter}:close"
    json = {}

    lookup "open_matter" {}
    # A closed matter cannot be closed: a second call is refused.
    ambiguous "probe" {
      window   = "1m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "5s"
    }
    undo "reopen_matter" { with = { matter = input.matter } }
  }

  awf "reopen_matter" {
    achieves = "create"
    inputs   = { matter = "text" }
    evidence = "vendor spec"

    post = "/v1/matters/{matter}:reopen"
    json = {}

    lookup "open_matter" {}
    ambiguous "probe" {
      window   = "1m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "5s"
    }
    undo "close_matter" { with = { matter = input.matter } }
  }

  # Everything of one account in one corpus (`MAIL`, `DRIVE`, `HANGOUTS_CHAT`, `VOICE`, ...), narrowed by `query` where it is given.
  awf "place_hold" {
    achieves = "create"
    inputs = {
      matter  = "text"
      name    = "text"
      corpus  = "text"
      account = "text"
      query   = "map"
    }
    optional = ["query"]
    personal = ["account"]
    outputs  = { hold = "text" }
    evidence = "vendor spec; that an account may be given by its address is recalled"
    samples = {
      corpus  = "MAIL"
      account = "sarah.chen@acme.example"
      query   = { mailQuery = { terms = "subject:contract" } }
    }

    post = "/v1/matters/{matter}/holds"
    json = {
      name     = input.name
      corpus   = input.corpus
      accounts = [{ email = input.account }]
      query    = input.query
    }
    capture = { hold = response.body.holdId }

    lookup "hold" {}
    ambiguous "probe" {
      window   = "2m"
      agreeing = 3
    }
    readback {
      within = "2m"
      every  = "5s"
    }
    undo "release_hold" {
      with = {
        matter = input.matter
        name   = input.name
      }
    }
  }

  # What the hold alone kept may be purged at once.
  awf "release_hold" {
    achieves = "remove"
    inputs = {
      matter = "text"
      name   = "text"
    }
    blast    = 1
    evidence = "vendor spec"
    samples = {
      corpus  = "MAIL"
      account = "sarah.chen@acme.example"
      query   = { mailQuery = { terms = "subject:contract" } }
    }

    delete = "/v1/matters/{matter}/holds/{snapshot.hold}"

    lookup "hold" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "5s"
    }
    undo "place_hold" {
      with = {
        matter  = input.matter
        name    = input.name
        corpus  = snapshot.corpus
        account = snapshot.account
        query   = snapshot.query
      }
      loss = "what was purged meanwhile, and all accounts of the hold but the first"
    }
  }

  read "matters" {
    kind = "matter"
    get  = "/v1/matters"
    query = {
      view      = "BASIC"
      pageSize  = 100
      pageToken = page.cursor
    }
    evidence = "vendor spec"
    items    = list(response.body.matters)
    page "cursor" { next = response.body.nextPageToken }
    deletes = "full_scan"
    id      = item.matterId
    text {
      name        = item.name
      description = item.description
      state       = item.state
    }
  }

  read "holds" {
    kind     = "hold"
    for_each = "matter"
    get      = "/v1/matters/{parent}/holds"
    query = {
      view      = "FULL_HOLD"
      pageSize  = 100
      pageToken = page.cursor
    }
    evidence = "vendor spec"
    error "absent" { when = response.status == 404 && response.body.error.status == "NOT_FOUND" }
    items = list(response.body.holds)
    page "cursor" { next = response.body.nextPageToken }
    id      = item.holdId
    version = item.updateTime
    text {
      matter = input.parent
      name   = item.name
      corpus = item.corpus
    }
    texts { accounts = item.accounts[*].email }
  }
}
