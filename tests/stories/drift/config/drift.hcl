# What the story of drift adds to the sample: who is to have which application, and where it is seen who has it.

object "app" "salesforce" { id = "0oa1salesforce000000" }
object "app" "gong" { id = "0oa1gong000000000000" }

facet "software" "grants" {
  system = "okta"
  set    = true
  after  = [facet.identity.account]
}

route "create" "software" "grants" {
  awf = okta.assign_app_to_user
  with {
    app  = facet.id
    user = link.okta.id
  }
}

route "remove" "software" "grants" {
  awf = okta.remove_app_from_user
  with {
    app  = facet.id
    user = link.okta.id
  }
}

outcome "sales-tools" {
  title        = "What sellers work with"
  entity       = "person"
  for          = person.department == "Sales" && person.status == "active"
  on_drift     = "open"
  drift_within = "30m"

  software { grants = [app.salesforce, app.gong] }
}

evidence "software" "grants" {
  of      = "person"
  from    = okta.app_user
  record  = "user_name"
  entity  = "email"
  element = "app"
  objects = "app"
}
