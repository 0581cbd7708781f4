outcome "x" {
  title  = "for ${person.email}"
  entity = "person"
  for    = person.email == "a-${person.kind}"
  identity { account = "present" }
}
