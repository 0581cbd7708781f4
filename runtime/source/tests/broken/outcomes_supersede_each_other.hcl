outcome "joining" {
  entity     = "person"
  for        = person.kind == "guest"
  supersedes = [outcome.leaving, outcome.levaing]
  identity { account = "present" }
}

outcome "leaving" {
  entity     = "person"
  for        = person.kind == "gone"
  supersedes = [outcome.moving]
  identity { account = "present" }
}

outcome "moving" {
  entity     = "person"
  for        = person.kind == "moved"
  supersedes = [outcome.joining]
  identity { account = "present" }
}
