# People: Workday mints them and is the authority for what they are; which records of which system are of one person follows from the rules
# in config/identity/people.hcl. Of several employments of one person the one that began last holds.
# `from` lists the sources of an attribute, the most authoritative first.

entity "person" {
  mint   = workday.worker
  handle = "handle"

  joined_by = "person"
  current   = "start_date"

  attribute "worker_id" {
    type = "text"
    from = workday.worker.worker_id
  }
  attribute "handle" {
    type     = "text"
    personal = true
    from     = workday.worker.handle
  }
  attribute "first_name" {
    type     = "text"
    personal = true
    from     = [workday.worker.first_name, okta.user.first_name]
  }
  attribute "last_name" {
    type     = "text"
    personal = true
    from     = [workday.worker.last_name, okta.user.last_name]
  }
  attribute "email" {
    type     = "text"
    personal = true
    from     = [workday.worker.email, okta.user.email]
    max_age  = "24h"
  }
  attribute "worker_type" {
    type = "text"
    from = workday.worker.worker_type
  }
  attribute "status" {
    type = "text"
    from = workday.worker.status
  }
  attribute "title" {
    type = "text"
    from = workday.worker.title
  }
  attribute "department" {
    type = "text"
    from = workday.worker.department
  }
  attribute "location" {
    type = "text"
    from = workday.worker.location
  }
  attribute "country" {
    type = "text"
    from = workday.worker.country
  }
  attribute "start_date" {
    type = "date"
    from = workday.worker.start_date
  }
  # The end that the contract intends. The end that is in force is what the facet `workforce.contract_end` brings about.
  attribute "contract_end" {
    type     = "date"
    personal = true
    from     = workday.worker.contract_end
  }

  link "okta" { kind = "user" }
  link "servicenow" { kind = "user" }
  link "slack" { kind = "user" }
}
