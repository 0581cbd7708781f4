outcome "x" {
  entity = "person"
  for    = contians(["a"], person.kind) || starts_wit(person.email, "x")
  identity { account = "present" }
}
