"""A flow with every way of composing: states in states, regions, joins, history, milestones, a call for each item."""

COMPOSED = """\
record Item { sku: text, copies: int 1..9 }

## Review a paper by law and by money while it is printed.
flow Paper version 1 {
  input { items: list<Item> at most 5, total: decimal(2) }
  data  { parcels: list<text> at most 5 = [], rounds: int 0..3 = 0, note: text? }
  roles clerk, lawyer
  event cancel by clerk
  event hold
  event late

  activity pack(sku: text) -> text { fails torn compensate unpack(result) }
  activity look() -> text { readonly fails blind }

  start { rounds = 0 } -> Review

  ## Everything before the parcels leave.
  parallel Review {
    region Legal {
      start -> Reading
      state Reading {
        task read for lawyer { title "Read {total}" form { ok: bool } }
        after 2d -> Signed
      }
      choice Opinion {
        when in Money.Paid -> Signed
        else               -> Objected
      }
      on read(ok) when ok { note = "read" } -> Signed
      on read else -> Opinion
      final Signed
      final failure Objected
    }
    region Money {
      start -> Counting
      state Counting {
        start -> First
        state First  { do look() on done(seen) { note = seen } -> Second }
        state Second { do look() on done(_) -> Paid on blind stay after 2h since First -> Paid }
        on failed -> First
        after 1d -> Enough
        after 3d { rounds = 1 } -> resume Counting
      }
      choice Enough {
        when in Legal.Reading or rounds > 2 -> Paid
        else                                -> Counting
      }
      final Paid
    }
    on all done    -> Packing
    on any failure -> compensate since Review -> Refused
    on 1 done      -> compensate -> Refused
    after 9d -> Refused
    on hold { rounds = 1 } -> Paused
    ignore late
  }

  state Packing {
    start -> Boxing
    state Boxing {
      do for item in items at most 4 until 2 done: pack(item.sku)
      on done(found) when len(found) > 1 { parcels = found } -> Checking
      on done else -> Boxing
      on torn -> Checking
    }
    state Checking { after 1h -> Done on hold -> Review }
    on failed -> compensate since Packing -> Refused
    on hold -> Paused
    defer late
  }

  state Paused {
    after 3d since Review -> Refused
    after 1d -> resume Packing
    on late  -> resume Review
    on cancel -> compensate -> Refused
  }

  final Done
  final failure Refused

  always in Packing.Boxing implies not in Legal
  never in Review.Legal.Signed and in Counting.First and rounds > 3
  reach Money.Paid
  reach Counting when rounds > 1
  start leads to Packing or in Refused or Review.Legal

  scenario "all goes well" {
    start(items: [Item(sku: "a", copies: 1)], total: 3.00)
    look done("x")
    expect in Counting.Second and in Reading
  }
}
"""
