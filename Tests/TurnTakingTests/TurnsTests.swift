import Testing
import TurnTaking

@Suite(.timeLimit(.minutes(1)))
struct TurnsTests {
    @Test func soManyHaveTheirTurnAtOnce() {
        var turns = Turns(atMost: 2)

        let numbers = (0..<4).map { _ in turns.enter() }

        #expect(numbers.map { turns.isGranted($0) } == [true, true, false, false])
        #expect(turns.waitingCount == 2)
    }

    @Test func turnsComeInTheOrderOfComing() {
        var turns = Turns(atMost: 1)
        let numbers = (0..<4).map { _ in turns.enter() }
        var order = [numbers[0]]

        while let last = order.last, let next = turns.leave(last) { order.append(next) }

        #expect(order == numbers)
        let late = turns.enter()
        #expect(turns.isGranted(late))
    }

    @Test func whoLeavesTheQueueIsPassedOver() {
        var turns = Turns(atMost: 1)
        let numbers = (0..<3).map { _ in turns.enter() }

        let next = [turns.leave(numbers[1]), turns.leave(numbers[0])]

        #expect(next == [nil, numbers[2]])
        #expect(turns.waitingCount == 0)
    }

    @Test func leavingTwiceMakesRoomOnce() {
        var turns = Turns(atMost: 1)
        let numbers = (0..<3).map { _ in turns.enter() }

        let next = [turns.leave(numbers[0]), turns.leave(numbers[0])]

        #expect(next == [numbers[1], nil])
        #expect(!turns.isGranted(numbers[2]))
    }

    @Test func asManyTurnsAreLentAsThereAre() {
        var turns = Turns(atMost: 1)
        let numbers = (0..<4).map { _ in turns.enter() }

        let next = [turns.lend(numbers[0]), turns.lend(numbers[0]), turns.lend(numbers[1])]

        #expect(next == [numbers[1], nil, nil], "it is lent once, and no other beside it")
        #expect(turns.keeps(numbers[1]) && !turns.keeps(numbers[0]))
        #expect(turns.leave(numbers[0]) == nil, "whose turn it was has his own")
        #expect(turns.lend(numbers[1]) == numbers[2])
        #expect(turns.leave(numbers[2]) == numbers[3])
        #expect(turns.lend(numbers[2]) == nil)
    }

    @Test func noNumberIsNoTurnAtAll() {
        var turns = Turns(atMost: 0)

        let first = turns.enter()
        #expect(turns.isGranted(first))
    }
}
