object "group" "dynamic" {
  id   = "g-9"
  size = person.level + 1
}
layer "department" "Design" {
  set { color = person.kind }
}
