outcome "x" {
  entity = "person"
  for    = person.country == "MX" && person.kind == "staff"
  identity { account = 3 }
}
