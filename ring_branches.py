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
        state = self.state
        if type(amount) is not int or not 0 <= amount <= 10:
            raise Refused(state, "go", "payload")
        if state is S0:
            if amount > self.largest:
                self.largest = amount
            self.state = S1
        elif state is S1:
            if amount > self.largest:
                self.largest = amount
            self.state = S2
        elif state is S2:
            if amount > self.largest:
                self.largest = amount
            self.state = S3
        elif state is S3:
            if amount > self.largest:
                self.largest = amount
            self.state = S4
        elif state is S4:
            if amount > self.largest:
                self.largest = amount
            self.state = S5
        elif state is S5:
            if amount > self.largest:
                self.largest = amount
            self.state = S0
        else:
            raise Refused(state, "go", "unhandled")

    def stop(self):
        if self.state is Done:
            raise Refused(self.state, "stop", "unhandled")
        self.state = Done


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
