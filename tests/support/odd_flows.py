"""Flows that no one would write, for what generated code must get right: every type and operator, hostile names."""

TYPES = r"""
enum Color { red, green }
type Money = decimal(2)

flow Types version 3 {
  input { opens: instant, pause: duration, rate: decimal(3), limit: Money?, n: int -5..5 }
  data {
    total: Money = 0.00
    exact: decimal(5) = 0.00000
    seen: instant?
    waited: duration = 0s
    most: duration?
    count: int = 0
    small: int 0..60 = 0
    maybe: int 0..3?
    name: text = "a \"quoted\" \\ name {with} 'all'"
    color: Color?
    fine: bool = true
  }
  roles clerk

  event add(amount: Money, note: text?)
  event meet(moment: instant, length: duration)
  event paint(color: Color?, times: int)
  event divide(by: int, into: int 0..9?)
  event flip

  activity price(total: Money, since: instant?, twice: duration) -> Money? {
    ensures result is none or result >= total
    compensate unprice(result, if total > 5 then none else since, n * 2)
  }
  activity look(name: text, flag: bool) -> int 0..9 { ensures result < 9 ensures not flag or result > 0  readonly }

  start { total = 1, small = len(name) } -> Open

  state Open {
    task count_up for clerk {
      title "{name}: {total} {total - 0.015} {count} {fine} {waited} {opens} \\\"{{n}}\\\""
      form { more: int 0..9, why: text? }
      due 90s
    }
    on count_up(more, why) when more > small { small = more } stay
    on count_up(_, why) else { name = if why is some then why else "none" } -> Open
    on add(amount, note) when note is some and note == "a" {
      total = total + amount, exact = rate * amount, total = max(total, -amount, 3), count = count + len(note)
    } stay
    on add(amount, _) when amount > 1000 or total - amount > 100.5 { total = abs(amount) - total } -> Working
    on add(amount, _) else { limit2 = amount } stay
    on meet(t, d) when t > opens and d >= pause {
      seen = t, waited = t - opens + d * 2 - pause, most = max(d, waited)
    } -> Working
    on meet(t, _) else { seen = now, waited = now - t } stay
    on paint(c, times) when c in {red, green} implies times > 5 { color = c, count = times / 2 - times % 3 } stay
    on paint(c, _) when not (color is none or c is none) and not (color == c) { color = none } stay
    on divide(by, into) when into is some and into < 3 { count = 10 / by, small = into } -> Working
    on divide(by, into) when 7 % by == 1 { maybe = into } -> Ask
    on flip { fine = not fine, small = if fine then small - 1 else small + 3 } stay
    at opens + pause -> Ask
    after pause * 2 -> Late
    ignore divide
  }

  choice Late {
    when fine -> Working
    else -> Ask
  }

  choice Ask {
    when seen is some and now - seen > 1h -> Working
    when fine and count != 0 { fine = count > 3 } -> compensate since Working -> Open
    else { seen = now } -> Open
  }

  state Working {
    do price(total, seen, if most is some then most else pause)
    on done(p) when p is some { total = p, limit2 = p } -> Looking
    on done(_) else -> Ask
    on failed -> compensate -> Open
    on timeout -> Looking
    on flip -> compensate since Open -> Ask
    on paint(_, n2) when n2 == 3 -> Looking
    defer add
  }

  state Looking {
    do look(name, fine)
    on done(x) { small = x, maybe = x - 4, small = small + maybe } -> Open
    on failed -> compensate -> Bad
    on add(amount, _) { total = amount } -> compensate -> Good
    ignore flip
  }

  final Good
  final failure Bad
  deadline 2d -> compensate -> Bad
}
""".replace("    fine: bool = true\n", "    fine: bool = true\n    limit2: Money?\n")

WAITING = """
flow Waiting version 1 {
  data { n: int = 0 }
  roles clerk, boss, chief
  event a
  event b
  event c by clerk

  activity one() -> int { fails broken  compensate undo_one(result) }
  activity two() { irreversible }
  activity three() -> int { readonly }

  start -> First

  state First { defer b, c  on a -> Many }
  choice Many { when n < 3 { n = n + 1 } -> Then  else -> Doing }
  state Then {
    task sign for clerk {
      title "sign"
      escalate to boss after 1s
      escalate to chief after 2s
      remind every 1s at most 2
      except actor of start, sign
    }
    on sign -> Then
    on b -> Many
    on a -> compensate -> Many
    defer c
  }
  state Doing {
    do one()
    on done(x) when x > 0 { n = x } -> More
    on done(_) else -> Doing
    on failed -> More
    on broken -> More
    on a -> More
    on b -> compensate since More -> Many
    defer c
  }
  state More {
    do two()
    on done -> Asking
    on failed -> compensate since Doing -> Asking
    on b -> compensate -> Twice
    on a stay
    after 2s -> compensate since Doing -> Doing
  }
  choice Twice { when n > 1 { n = n - 1 } -> compensate -> Twice  else { n = 0 } -> compensate since First -> First }
  state Asking {
    do three()
    on done(x) { n = x } -> Then
    on failed -> Good
    on c -> Good
    on a -> First
    ignore b
  }
  final Good
  final failure Bad
  deadline 6s -> compensate -> Many
}
"""

PEOPLE = """
flow People version 1 {
  input { owner: text, other: text? }
  data { n: int = 0 }
  roles clerk, boss, chief
  event back by clerk
  event again

  start -> Drafting
  state Drafting {
    task draft for person owner {
      title "draft {n}"
      form  { good: bool }
      due   3s
      escalate to boss after 2s
      escalate to chief after 3s
      except actor of start
      remind every 1s at most 3
    }
    task watch for actor of start { title "watch" remind every 2s }
    on draft(good) when good  { n = n + 1 } -> Checking
    on draft(_) else          -> Drafting
    on watch { n = n + 1 } stay
    on again -> Drafting
    after 9s -> Fixing
  }
  state Checking {
    task check for clerk, boss { title "check" except actor of draft, check }
    on check -> Fixing
    on back  -> Drafting
    on again -> compensate -> Signing
  }
  state Fixing {
    task fix for actor of check { title "fix" escalate to boss after 1s }
    on fix  -> Signing
    on back -> Drafting
    after 5s -> Checking
  }
  state Signing {
    task sign for person other { title "sign" except actor of check }
    on sign  -> Signed
    on again -> Drafting
  }
  final Signed
  deadline 60s -> Signed
}
"""

NAMES = r'''
enum str { class, mro, __members__, name, value, _a_, A, a }
enum Decimal { x }
type int2 = int 0..3

## Docs with """quotes""", a backslash \, a bidi BIDI mark and a quote at the end"
flow rules version 1 {
  input { by: int2, timedelta: str, cls: bool, count: text, self: text, _x: bool, inputs: text?, Self: text }
  data {
    at: bool = false
    ledger: str = mro
    state: text = "}}{{ \\ \" ' \n"
    data: int2 = 0
    index: text?
    _replace: bool = true
    datetime: Decimal = x
    def: str?
    trigger: int2?
  }
  roles class, None, by

  event step by class
  ## """ \
  event start(self: text, by: int2, timedelta: bool, str: str) by None, by
  event count(_: bool, index: int2)
  event None
  event rules(core: str, data: Decimal, inputs: bool, trigger: text?)
  event to_json
  event Decimal2
  event exception(message: text)
  event _private(_x: bool)

  activity self(key: text, self: str, codec: int2, inputs: int2) -> int {
    fails failure, class, value_error
    ensures result > inputs and self != mro
    compensate key(result, inputs, self, by)
  }

  start { data = by, ledger = timedelta } -> None

  ## ends with a quote: "
  state None {
    task class for class {
      title "{state}{{}}{count}\\"
      form { def: str, timedelta: bool?, data: int2 }
      except actor of start
    }
    on class(x, _, n) when x == mro { ledger = x, data = n } -> State
    on class(_, now2, _) else { at = now2 is none } stay
    on step -> state
    on start(core, n, x, y) when y in {class, A, a} { state = core, data = n, at = x } stay
    on start(_, len, _, str) else { data = len, ledger = str } -> Choice
    on rules(core, values, x, y) when core == class { datetime = values, index = y, at = x } -> Choice
    on _private(abs) { _replace = abs } stay
    ignore count, None, Decimal2
    defer to_json
  }

  choice Choice { when at -> None else { at = not at } -> state }

  state State { on to_json -> end on exception(id) { index = id } -> state after 1h -> final }
  state state {
    do self(state, ledger, data, by)
    on done(len) when len > data { trigger = len } -> None
    on done(_) else -> State
    on failure -> compensate -> end
    on exception(_) -> State
    on failed -> compensate -> State
    on count(_, index2) when index2 > 1 -> compensate since None -> Choice
  }

  final end
  final failure final
  deadline 10d -> compensate -> final
}
'''.replace("BIDI", "\u202e")

MESSAGES = r"""
enum Color { red, green }

flow Messages version 1 {
  input { first: text, other: text?, n: int -2..4 }
  data { count: int 0..9 = 0, at: instant?, half: int? }

  emits told(count: int 0..5, color: Color?)
  emits class(data: text, sent1: decimal(3), moment: instant?)
  emits nothing

  event hear(text: text, many: int 0..3)
  event later(n: int)
  event other

  activity work(n: int) -> int { compensate unwork(result) }

  start { emit told(n, none), count = 2, send Messages.hear(first, count) to first } -> Pick

  choice Pick {
    when n > 3 { emit nothing, emit told(count, green) } -> Working
    else       { count = count + n, emit told(count, red) } -> Open
  }

  state Open {
    on hear(heard, many) when many > 0 {
      count = count + many
      send Messages.hear(heard, many - 1) to other
      emit class(heard, count, now), at = now
      half = 6 / count
      emit told(half, red), send Messages.other to heard
    } stay
    on hear(heard, _) else { emit class(heard, n, at) } -> Working
    on other { emit told(3, none) } -> compensate -> Pick
    defer later at most 2
    after 1h { emit nothing } -> Done
  }

  state Working {
    do work(n)
    on done(made) { emit told(made, green) } -> Open
    on failed { count = 0, emit told(count, none) } -> compensate -> Pick
    on later(many) { send Messages.later(many - 1) to "next" } stay
    on other -> Open
    ignore hear
  }

  final Done
}
"""
"""Messages of every type from every kind of update, among assignments that they see or do not, and faults of both."""

STRUCTURES = """
enum Color { red, green }
type Money = decimal(2)
record class { Color: Color, _x: int 0..3, count: text? }
record Item { name: text, price: Money, parts: list<class> at most 2, since: instant?, wait: duration }

flow Structures version 1 {
  record Box { item: Item, gift: Item?, sizes: list<int 0..9> at most 3, names: list<text>? }
  input { first: Item, items: list<Item> at most 2, moods: list<Color>?, rates: list<decimal(3)> at most 2 }
  data {
    box: Box?
    last: Item = Item(name: "none", price: 1, parts: [class(Color: red, _x: 3, count: none)], since: none, wait: 1h)
    seen: list<Item> at most 3 = []
    sizes: list<int 0..9> at most 4 = [1, 2]
    few: list<int 0..9> at most 3 = []
    names: list<text>?
    best: list<Money> at most 4 = [1, 2.5]
    rate: decimal(3) = 0.000
    n: int 0..3 = 0
  }
  event add(item: Item)
  event put(box: Box?, sizes: list<int -1..10> at most 3)
  event name(names: list<text> at most 2, color: Color)
  event swap
  event trim

  activity pack(box: Box, items: list<Item> at most 3) -> list<int> at most 3 {
    ensures len(result) <= len(items) or 4 in result
    compensate unpack(result, box.item.name, len(items))
  }
  activity look(items: list<Item>) -> Box? { readonly }
  activity weigh(item: Item) -> Item { fails broken readonly }

  start { seen = items } -> Open

  state Open {
    on add(i) when i in seen { last = i, n = len(i.parts) } stay
    on add(i) when i == first or i.price > 1.00 { seen = seen + [i], names = [i.name] } stay
    on add(i) else { seen = [i, last], best = best + [abs(i.price), min(i.price, 0.5)] } -> Weighing
    on put(b, s) when b is some and b.gift is some and not (b.gift.name in ["", "a"]) {
      box = b, last = b.gift, few = b.sizes + s
    } -> Packing
    on put(b, s) when b is some and b.names is some and b.names == ["a"] {
      sizes = if n > 1 then b.sizes else s, names = b.names + ["x"], few = b.sizes
    } stay
    on put(b, s) else { box = b, few = s, sizes = s + [n, 9] } stay
    on name(names2, c) when moods is some and c in moods and names == names2 { names = names2 + names2 } stay
    on name(names2, c) else {
      names = if len(names2) > 1 then names2 else none,
      last = Item(name: "z", price: 0.10, parts: [class(Color: c, _x: n, count: "q")], since: now, wait: last.wait * 2)
    } stay
    on swap when box is some {
      box = Box(item: last, gift: box.item, sizes: sizes, names: none), n = len(sizes) - 1
    } -> Packing
    on swap else { box = Box(item: first, gift: none, sizes: [n, n + 8], names: names) } stay
    on trim when rates == [0.100] or rates == [] or first in items { seen = [], n = len(seen) } stay
    on trim else { last = first, rate = 0.001 } -> Weighing
    after last.wait -> Weighing
  }
  state Packing {
    do pack(box, seen)
    on done(s) when 1 in s { sizes = s } -> Open
    on done(s) else { few = s + [0] } -> Weighing
    on failed -> compensate -> Open
    defer add
  }
  state Weighing {
    do weigh(last)
    on done(i) when i != last { last = i, seen = seen + [i] } -> Looking
    on done(i) else { n = len(i.parts) } -> Open
    on broken -> Looking
    on failed -> Bad
  }
  state Looking {
    do look(seen + [last])
    on done(b) when b is some { box = b, sizes = b.sizes } -> Packing
    on done(b) else { box = b } -> Good
    on failed -> Good
    ignore add
  }
  final Good
  final failure Bad
}
"""

QUICK = r"""
flow Quick version 1 {
  data { n: int 0..9 = 0 }
  event go(data: int 0..9)
  event later(answer: text)
  activity pay() { fails declined compensate unpay() }
  start -> A
  state A {
    on go(data) when data > n  { n = data } -> B
    on go(data) when data <= n -> P
    defer later
    wait forever "somebody goes on"
  }
  state B {
    on go -> A
    on later(answer) when answer == "x"  -> Done
    on later(answer) when answer != "x" -> A
    wait forever "somebody goes on"
  }
  state P {
    do pay()
    on done   -> B
    on failed -> compensate -> A
  }
  final Done
}
"""
