outcome "x" {
  entity  = "person"
  for     = person.country == "MX"
  runbook = runbook.welcom
  identity { groups = [group.staff] }
}
layer "department" "Design" {
  variant { welcme = "v1" }
}
