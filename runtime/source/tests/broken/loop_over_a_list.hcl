outcome "x" {
  entity = "person"
  for    = true
  identity { groups = [for g in person.groups : g] }
}
