outcome "x" {
  entity = "person"
  for    = first([person]).kind == "guest" && person.tags[person.level] == "a"
  identity { account = "present" }
}
