facet "identity" "mail" { system = "ipd" }
trigger "payroll" "hired" {
  entity = "person"
  find { handle = event.handle }
}
route "create" "identity" "mail" { awf = mail.create }
