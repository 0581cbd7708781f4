layer "departement" "Design" {
}
layering { contry = "country" }
