outcome "x" {
  entity = "person"
  for    = contains(person.kind) || lower(person.kind, person.email) == "x"
  identity { account = "present" }
}
