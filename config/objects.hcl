# Objects of the systems that outcomes and routes name: `group.contractors`, `channel.general`.

object "group" "contractors" { id = "00g1contractors00000" }
object "group" "contractors_us" { id = "00g1contractorsus000" }
object "group" "contractors_mx" { id = "00g1contractorsmx000" }
object "group" "contractors_in" { id = "00g1contractorsin000" }
object "group" "engineering" { id = "00g1engineering00000" }

object "channel" "general" { id = "C0GENERAL01" }
object "channel" "contractors" { id = "C0CONTRACT1" }

object "profile" "contractor_baseline" { id = "a1c5e0d2-5b7f-4c1a-8e90-6d2f4b8c2001" }
object "profile" "employee_baseline" { id = "a1c5e0d2-5b7f-4c1a-8e90-6d2f4b8c2002" }

object "item" "developer_laptop" { id = "774906834fbb4200086eeed18110c737" }
object "item" "standard_laptop" { id = "04b7e94b4f7b4200086eeed18110c7fd" }
