class Refused(Exception):
    def __init__(self, state, event, reason):
        super().__init__(state, event, reason)


REFUSED = Refused

S0 = "S0"
S1 = "S1"
S2 = "S2"
S3 = "S3"
S4 = "S4"
S5 = "S5"
Done = "Done"


class Ring:
    __slots__ = ("largest", "state")

    def __init__(self):
        self.state = S0
        self.largest = 0

    def go(self, amount):
        if type(amount) is not int or not 0 <= amount <= 10:
            raise Refused(self.state, "go", "payload")
        move = MOVES.get(self.state)
        if move is None:
            raise Refused(self.state, "go", "unhandled")
        move(self, amount)

    def _go_s0(self, amount):
        if amount > self.largest:
            self.largest = amount
        self.state = S1

    def _go_s1(self, amount):
        if amount > self.largest:
            self.largest = amount
        self.state = S2

    def _go_s2(self, amount):
        if amount > self.largest:
            self.largest = amount
        self.state = S3

    def _go_s3(self, amount):
        if amount > self.largest:
            self.largest = amount
        self.state = S4

    def _go_s4(self, amount):
        if amount > self.largest:
            self.largest = amount
        self.state = S5

    def _go_s5(self, amount):
        if amount > self.largest:
            self.largest = amount
        self.state = S0

    def stop(self):
        if self.state is Done:
            raise Refused(self.state, "stop", "unhandled")
        self.state = Done


MOVES = {
    S0: Ring._go_s0,
    S1: Ring._go_s1,
    S2: Ring._go_s2,
    S3: Ring._go_s3,
    S4: Ring._go_s4,
    S5: Ring._go_s5,
}


prepared = list
create = Ring


def run(machine, amounts):
    for amount in amounts:
        machine.go(amount)
    return machine


def tell(machine, event, *payload):
    getattr(machine, event)(*payload)
    return machine


def seen(machine):
    return machine.state, machine.largest
