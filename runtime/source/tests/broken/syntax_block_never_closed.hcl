outcome "x" {
  entity = "person"
  identity {
    account = "present"
}
