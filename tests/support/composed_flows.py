"""Flows of nested states, parallel regions and groups of calls that no one would write: each where it hurts."""

NESTED = """
flow Nested version 1 {
  data { n: int = 0, seen: bool = false }
  roles clerk, boss
  event up
  event down(by: int)
  event skip
  event late

  activity one() -> int { fails broken  compensate undo_one(result) }
  activity two() { readonly }

  start { n = n + 1 } -> Outer

  state Outer {
    start { n = n + 1 } -> Pick
    task sign for clerk { title "sign {n}" form { ok: bool } escalate to boss after 2s except actor of sign }
    on sign(ok) when ok { seen = true } stay
    on sign(_) else -> Outer.Last
    on up -> Outer
    on down(by) when by > 2 { n = by } -> Inner
    on down(_) else stay
    ignore skip
    defer late
    after 5s -> compensate since Inner -> Away

    choice Pick {
      when n > 6 { n = 0 } -> Last
      when n > 3 -> Inner.Idle
      else -> Inner
    }
    state Inner {
      start -> Working
      on down(by) when by == 1 { n = n - by } -> Working
      on late when in Working -> Last
      after 2s { n = n + 1 } -> Idle
      state Working {
        do one()
        on done(x) when x > 0 { n = x } -> Idle
        on done(_) else -> Outer
        on broken -> Last
        on up -> Idle
        defer skip
        after 1s stay
      }
      state Idle {
        on up when seen -> Working
        on skip -> Leave
        on late -> Outer.Inner
      }
      on failed -> Outer
    }
    choice Leave { when in Inner.Idle and n > 1 -> Away  else { n = n + 1 } -> Last }
    state Last {
      do two()
      on done -> Inner.Idle
      on down(by) { n = by } -> Away
    }
    on failed -> compensate since Outer -> Outer
  }
  state Away {
    on up -> resume Outer
    on skip -> resume Outer.Inner
    on down(by) when by > 3 -> Good
    on down(_) else -> compensate -> Outer
    on late when in Away -> Bad
    after 4s since Outer -> Outer.Last
  }
  final Good
  final failure Bad
  deadline 9s -> compensate -> Away
}
"""

PARALLEL = """
flow Parallel version 1 {
  data { n: int = 0, left: int = 0 }
  roles clerk, boss
  event go
  event stop(quick: bool)
  event both
  event again by clerk

  activity one(x: int) -> int { fails broken  compensate undo_one(result) }
  activity two() { retry 2 then park  compensate undo_two() }
  activity three() -> int { readonly }

  start -> P
  parallel P {
    task watch for boss { title "watch" remind every 2s }
    on watch { n = n + 1 } stay
    on stop(quick) when quick -> compensate -> Ready
    on stop(_) when in A.Wait and not (in B) -> Ready
    on go -> P
    defer again
    after 6s -> Ready
    after 3s -> P

    region A {
      start -> Try
      state Try {
        do one(n)
        on done(x) when x > 3 { n = x } -> Wait
        on done(x) { left = x } -> Ended
        on broken -> Gone
        on failed -> Wait
        on both -> Wait
        on go -> Ended
        ignore again
      }
      state Wait {
        task sign for clerk { title "sign {left}" escalate to boss after 1s }
        on sign -> Ended
        on both stay
        on go -> Try
        on again when in B.Two -> Ended
        after 2s since A { n = n + 1 } -> Try
      }
      final Ended
      final failure Gone
      on stop(_) -> Try
    }
    region B {
      start { left = left + 1 } -> Which
      task note for clerk { title "note" }
      on note -> Two
      choice Which { when left == 3 -> Over  else -> Two }
      state Two {
        do two()
        on done -> Three
        on both { n = 1 } -> Three
        on go when n > 2 -> compensate since P -> P
      }
      state Three {
        do three()
        on done(x) when x > 0 -> Over
        on done(_) else -> C
        on failed -> Broken
        on go -> Over
      }
      parallel C {
        region X {
          start -> X1
          state X1 { on both -> XDone  after 1s -> XDone }
          final XDone
        }
        region Y {
          start -> Y1
          state Y1 { do one(left)  on done(_) -> YDone  on broken -> YBad  on failed -> YBad  on go -> Over }
          final YDone
          final failure YBad
        }
        on all done { n = n + 1 } -> Over
        on any failure -> Two
      }
      final Over
      final failure Broken
    }
    on all done -> Good
    on 1 done -> Ready
    on any failure -> compensate -> Ready
  }
  state Ready {
    on go -> resume P
    on again -> P
    on stop(quick) when quick -> Good
    on stop(_) else -> compensate -> Bad
    on both -> resume P
  }
  final Good
  final failure Bad
  deadline 20s -> compensate -> Ready
}
"""

GROUPS = """
record Item { sku: text, count: int 0..9 }

flow Groups version 1 {
  input { items: list<Item>, again: bool }
  data { n: int = 0, found: list<int> = [], left: list<Item> = [] }
  roles clerk
  event go
  event stop

  activity pack(item: Item) -> int { fails broken  compensate unpack(result) }
  activity tell(sku: text, n: int) { readonly }
  activity drop(n: int) { irreversible }

  start { left = items } -> Packing

  state Packing {
    do for item in items at most 3 until 2 done: pack(item)
    on done(results) when len(results) > 1 { found = results, n = n + 1 } -> Telling
    on done(results) else { found = results } -> Which
    on broken -> compensate since Packing -> Which
    on timeout -> Packing
    on failed -> Telling
    on go -> Telling
    on stop -> compensate -> Bad
    after 3s -> Packing
  }
  choice Which { when n > 2 -> Good  when again { n = n + 1, left = [] } -> Telling  else { n = n + 1 } -> Both }
  state Telling {
    do for it in left: tell(it.sku, it.count + n)
    on done -> Which
    on failed -> Both
    on go stay
    on stop -> Packing
  }
  parallel Both {
    region A {
      start -> Dropping
      state Dropping {
        do for x in found at most 2: drop(x)
        on done -> Dropped
        on failed -> Bad2
        on go -> Dropping
      }
      final Dropped
      final failure Bad2
    }
    region B {
      start -> Packing2
      state Packing2 {
        do for y in left at most 9 until 1 done: pack(y)
        on done(_) -> Packed
        on broken -> Bad3
        on failed -> Packing2
      }
      final Packed
      final failure Bad3
    }
    on all done -> Which
    on any failure -> Telling
    on stop -> compensate -> Packing
  }
  final Good
  final failure Bad
}
"""
