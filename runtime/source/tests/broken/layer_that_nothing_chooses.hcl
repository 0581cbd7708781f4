layer "region" "EMEA" {
  set { color = "red" }
}
layer "tenant" "acne" {
  set { color = "red" }
}
