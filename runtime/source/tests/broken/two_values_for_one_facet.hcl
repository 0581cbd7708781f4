outcome "mexican" {
  entity = "person"
  for    = person.country == "MX" || person.country == "GT"
  identity { account = "suspended" }
}
