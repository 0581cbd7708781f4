# Xero: suppliers. A supplier is a contact; our number of it is unique. A repeated request with the same `Idempotency-Key` is answered
# with the first answer for minutes, not for days, so that what is older is probed.
manifest "xero" {
  title  = "Xero"
  domain = "service"

  var "token_url" {
    type    = "text"
    default = "https://identity.xero.com/connect/token"
    about   = "the token endpoint"
  }

  var "tenant" {
    type  = "text"
    about = "the id of the organisation, as the list of connections shows it"
  }

  hosts = ["identity.xero.com"]

  auth "oauth2_client_credentials" {
    token_url = "var:token_url"
    scope     = "accounting.contacts accounting.transactions"
  }

  headers = {
    accept         = "application/json"
    xero-tenant-id = var.tenant
  }

  limit "minute" {
    rate        = 60
    per         = "1m"
    reserve     = 10
    concurrency = 5
    remaining   = "x-minlimit-remaining"
  }

  limit "day" {
    rate      = 5000
    per       = "24h"
    reserve   = 10
    remaining = "x-daylimit-remaining"
  }

  message = coalesce(first(response.body.Elements[*].ValidationErrors[*].Message), response.body.Message, response.body.Detail)

  error "absent" { when = response.status == 404 && response.body.Title != null }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }

  # A supplier by our number, archived ones too: the number stays theirs.
  lookup "supplier_of_number" {
    inputs = { number = "text" }
    get    = "/Contacts"
    query = {
      where           = contains(input.number, "\"") ? null : concat("ContactNumber==\"", input.number, "\"")
      includeArchived = true
      page            = page.number
      pageSize        = 100
    }
    items   = response.body.Contacts
    where   = item.ContactNumber == input.number
    value   = item.ContactStatus == "ARCHIVED" ? "archived" : "present"
    outputs = { supplier = item.ContactID }
    page "number" { last = response.body.pagination.pageCount }
    authoritative = true
  }

  # A supplier that was not archived.
  lookup "supplier" {
    inputs = { supplier = "text" }
    get    = "/Contacts/{supplier}"
    absent  = first(response.body.Contacts[*].ContactStatus) == "ARCHIVED"
    present = first(response.body.Contacts[*].ContactStatus) == "ACTIVE"
    outputs = {
      name   = first(response.body.Contacts[*].Name)
      number = first(response.body.Contacts[*].ContactNumber)
    }
    authoritative = true
  }

  awf "create_supplier" {
    achieves = "create"
    inputs = {
      name   = "text"
      number = "text"
      email  = "text"
    }
    optional = ["email"]
    outputs  = { supplier = "text" }
    evidence = "vendor spec; the listing's pagination is recalled"

    put     = "/Contacts"
    headers = { idempotency-key = key }
    json = { Contacts = [{
      Name          = input.name
      ContactNumber = input.number
      EmailAddress  = input.email
    }] }
    capture = { supplier = first(response.body.Contacts[*].ContactID) }

    lookup "supplier_of_number" {}
    # Names and numbers of contacts are unique: a second creation is refused.
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "2s"
    }
    undo "archive_supplier" {
      with = { supplier = output.supplier }
      loss = "the supplier remains, archived, and keeps its number"
    }
  }

  awf "archive_supplier" {
    achieves = "remove"
    inputs   = { supplier = "text" }
    evidence = "vendor spec"

    post    = "/Contacts/{supplier}"
    headers = { idempotency-key = key }
    json = { Contacts = [{
      ContactID     = input.supplier
      ContactStatus = "ARCHIVED"
    }] }

    lookup "supplier" {}
    # What is archived stays archived.
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "2s"
    }
    undo "restore_supplier" { with = { supplier = input.supplier } }
  }

  awf "restore_supplier" {
    achieves = "create"
    inputs   = { supplier = "text" }
    evidence = "recalled: that an archived contact is made active by its status"

    post    = "/Contacts/{supplier}"
    headers = { idempotency-key = key }
    json = { Contacts = [{
      ContactID     = input.supplier
      ContactStatus = "ACTIVE"
    }] }

    lookup "supplier" {}
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "2s"
    }
    undo "archive_supplier" { with = { supplier = input.supplier } }
  }

  read "contacts" {
    kind = "contact"
    get  = "/Contacts"
    query = {
      includeArchived = true
      page            = page.number
      pageSize        = 1000
    }
    evidence = "vendor spec; the pagination is recalled"
    items    = response.body.Contacts
    page "number" { last = response.body.pagination.pageCount }
    id      = item.ContactID
    version = item.UpdatedDateUTC
    text {
      name   = item.Name
      number = item.ContactNumber
      email  = item.EmailAddress
      status = item.ContactStatus
    }
    bool { supplier = item.IsSupplier }
  }
}
