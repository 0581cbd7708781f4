outcome "x" {
  entity = "person"
  for    = person.country == "MX"
  workforce { ends = null }
  identity {
    account = ["present"]
    groups  = group.staff
  }
}
