object "group" { id = "1" }
outcome "a" "b" {
}
layering "x" { department = "department" }
