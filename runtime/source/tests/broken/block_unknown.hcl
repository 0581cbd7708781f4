outcom "x" {
  entity = "person"
}
outcome "y" {
  entity = "person"
  for    = true
  identty { account = "present" }
}
