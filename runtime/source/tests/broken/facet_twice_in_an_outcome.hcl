outcome "x" {
  entity = "person"
  for    = person.country == "MX"
  identity { account = "present" }
  identity { account = "present" }
}
