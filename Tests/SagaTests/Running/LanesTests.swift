import CloudEvents
import Testing

@testable import Saga

@Suite(.timeLimit(.minutes(1)))
struct LanesTests {
    @Test func entriesOfOneSagaWaitForEachOther() {
        var lanes = Lanes(concurrency: 8, parkedMaximum: 8)

        #expect(lanes.reserve(upTo: 4) == 4)
        #expect(lanes.admit(entry("1-0", saga: "a")) == .start)
        #expect(lanes.admit(entry("2-0", saga: "b")) == .start)
        #expect(lanes.admit(entry("3-0", saga: "a")) == .wait)
        #expect(lanes.admit(entry("3-0", saga: "a")) == .duplicate)

        #expect(lanes.active == 3)
        #expect(lanes.finish("a")?.id == "3-0")
        #expect(lanes.finish("a") == nil)
        #expect(lanes.finish("b") == nil)
        #expect(lanes.isEmpty && lanes.active == 0)
    }

    @Test func whatGoesFirstGoesBeforeAllThatWaitsAndNotBeforeItsLike() {
        var lanes = Lanes(concurrency: 8, parkedMaximum: 8)
        #expect(lanes.reserve(upTo: 5) == 5)
        #expect(lanes.admit(entry("1-0", saga: "a")) == .start)
        #expect(lanes.admit(entry("2-0", saga: "a")) == .wait)
        #expect(lanes.admit(entry("undo-1", saga: "a"), goesFirst: true) == .wait)
        #expect(lanes.admit(entry("undo-2", saga: "a"), goesFirst: true) == .wait)
        #expect(lanes.admit(entry("undo-1", saga: "a"), goesFirst: true) == .duplicate)

        #expect(lanes.current("a")?.id == "1-0")
        let order = (1...4).map { _ in lanes.finish("a")?.id }
        #expect(order == ["undo-1", "undo-2", "2-0", nil])
        #expect(lanes.isEmpty && lanes.active == 0)
    }

    @Test func nothingIsReadWithoutAFreeSlot() {
        var lanes = Lanes(concurrency: 3, parkedMaximum: 8)

        #expect(lanes.reserve(upTo: 2) == 2)
        #expect(lanes.reserve(upTo: 2) == 1)
        #expect(lanes.reserve(upTo: 2) == 0)
        lanes.giveBack(2)
        #expect(lanes.reserve(upTo: 9) == 2)
    }

    @Test func nothingIsReadWhileWhatIsHeldIsLarge() {
        var lanes = Lanes(concurrency: 8, parkedMaximum: 8, bytesMaximum: 100)
        #expect(lanes.reserve(upTo: 3) == 3)
        #expect(lanes.admit(entry("1-0", saga: "a", size: 60)) == .start)
        #expect(lanes.admit(entry("2-0", saga: "a", size: 60)) == .wait)
        #expect(lanes.admit(entry("2-0", saga: "a", size: 60)) == .duplicate)
        #expect(lanes.reserve(upTo: 1) == 0)

        lanes.park("a")
        #expect(lanes.bytes == 120 && lanes.reserve(upTo: 1) == 0)
        #expect(lanes.leave("a")?.id == "2-0")
        #expect(lanes.bytes == 60 && lanes.reserve(upTo: 1) == 1)
        lanes.giveBack(1)
        #expect(lanes.finish("a") == nil)
        #expect(lanes.bytes == 0)

        #expect(lanes.reserve(upTo: 2) == 2)
        #expect(lanes.admit(entry("3-0", saga: "a", size: 60)) == .start)
        #expect(lanes.admit(entry("4-0", saga: "a", size: 60)) == .wait)
        lanes.dropBefore(later)
        #expect(lanes.bytes == 60)
        lanes.abandon("a")
        #expect(lanes.bytes == 0)
    }

    @Test func whatWaitsForAnotherTryGivesItsSlotsBackAndStaysHeld() {
        var lanes = Lanes(concurrency: 2, parkedMaximum: 2)
        #expect(lanes.reserve(upTo: 2) == 2)
        #expect(lanes.admit(entry("1-0", saga: "a")) == .start)
        #expect(lanes.admit(entry("2-0", saga: "a")) == .wait)

        lanes.park("a")

        #expect(lanes.active == 0 && lanes.parked == 2)
        #expect(lanes.held(in: StoreEpoch()) == [0: ["1-0", "2-0"]])
        #expect(lanes.reserve(upTo: 1) == 0, "too much waits for another try already")
        #expect(lanes.resume("a") == true)
        #expect(lanes.active == 2 && lanes.parked == 0)
        lanes.abandon("a")
        #expect(lanes.active == 0 && lanes.isEmpty)
    }

    @Test func aParkedLaneResumesOnlyOnAFreeSlot() {
        var lanes = Lanes(concurrency: 1, parkedMaximum: 8)
        #expect(lanes.reserve(upTo: 1) == 1)
        #expect(lanes.admit(entry("1-0", saga: "a")) == .start)
        lanes.park("a")
        #expect(lanes.reserve(upTo: 1) == 1)
        #expect(lanes.admit(entry("2-0", saga: "b")) == .start)

        #expect(lanes.resume("a") == false)
        #expect(lanes.finish("b") == nil)
        #expect(lanes.resume("a") == true)
    }

    /// What undoes those that wait, or asks nobody outside, is not kept out by them.
    @Test func whatWaitsForCompaniesKeepsOutItsLikeOnly() {
        var lanes = Lanes(concurrency: 2, parkedMaximum: 1)
        func park(_ saga: String) {
            #expect(lanes.admit(entry("1-0", saga: saga)) == .start)
            lanes.park(saga)
        }
        #expect(lanes.reserve(upTo: 1) == 1)
        park("a")

        #expect(lanes.reserve(upTo: 1) == 0)
        for saga in ["b", "c", "d"] {
            #expect(lanes.reserve(upTo: 1, callsOutside: false) == 1)
            park(saga)
        }
        #expect(lanes.reserve(upTo: 1, callsOutside: false) == 0, "there is an end to all")
        #expect(lanes.resume("a") == true)
        #expect(lanes.reserve(upTo: 1, callsOutside: false) == 1)
    }

    @Test func asManySlotsAreLentAsThereAreAndTakenBack() {
        var lanes = Lanes(concurrency: 2, parkedMaximum: 8)
        #expect(lanes.reserve(upTo: 2) == 2)
        #expect(lanes.admit(entry("1-0", saga: "a")) == .start)
        #expect(lanes.admit(entry("2-0", saga: "a")) == .wait)
        #expect(lanes.reserve(upTo: 1) == 0)

        for _ in 1...2 { #expect(lanes.lend("a") == true) }

        #expect(lanes.active == 0 && lanes.lent == 2)
        #expect(lanes.held(in: StoreEpoch()) == [0: ["1-0", "2-0"]])
        #expect(lanes.reserve(upTo: 3) == 2)
        #expect(lanes.admit(entry("3-0", saga: "b")) == .start)
        #expect(lanes.admit(entry("4-0", saga: "c")) == .start)
        #expect(lanes.lend("b") == false, "they would be more than there are")
        lanes.takeBack("a")
        #expect(lanes.active == 4 && lanes.lent == 0)
        #expect(lanes.finish("b") == nil)
        #expect(lanes.reserve(upTo: 1) == 0)
        #expect(lanes.finish("a")?.id == "2-0")
        #expect(lanes.active == 2)
    }

    @Test func aLaneWhoseSlotsAreLentComesToItsEnd() {
        var lanes = Lanes(concurrency: 4, parkedMaximum: 8)
        #expect(lanes.reserve(upTo: 4) == 4)
        for (id, saga) in [("1-0", "a"), ("2-0", "a"), ("3-0", "b"), ("4-0", "b")] {
            _ = lanes.admit(entry(id, saga: saga))
        }
        for saga in ["a", "b"] { #expect(lanes.lend(saga) == true) }

        #expect(lanes.finish("a")?.id == "2-0")
        #expect(lanes.active == 1 && lanes.lent == 2)
        lanes.dropBefore(later)
        #expect(lanes.lent == 1)
        lanes.abandon("b")
        #expect(lanes.finish("a") == nil)
        #expect(lanes.isEmpty && lanes.active == 0 && lanes.lent == 0)
    }

    @Test func anEntryOfALaterEpochWaitsBehindItselfAndRuns() {
        var lanes = Lanes(concurrency: 8, parkedMaximum: 8)
        #expect(lanes.reserve(upTo: 4) == 4)
        #expect(lanes.admit(entry("1-0", saga: "a")) == .start)
        #expect(lanes.admit(entry("2-0", saga: "a")) == .wait)

        lanes.dropBefore(later)

        #expect(lanes.active == 1, "what runs goes on, what waited is dropped")
        #expect(lanes.admit(entry("1-0", saga: "a", in: later)) == .wait)
        #expect(lanes.admit(entry("1-0", saga: "a", in: later)) == .duplicate)
        #expect(lanes.active == 2)
        let next = lanes.leave("a")
        #expect(next?.id == "1-0" && next?.epoch == later)
        #expect(lanes.leave("a") == nil)
        #expect(lanes.isEmpty && lanes.active == 0 && lanes.parked == 0)
    }

    @Test func aParkedLaneIsLeftForWhatWasReadLater() {
        var lanes = Lanes(concurrency: 2, parkedMaximum: 8)
        #expect(lanes.reserve(upTo: 2) == 2)
        #expect(lanes.admit(entry("1-0", saga: "a")) == .start)
        #expect(lanes.admit(entry("2-0", saga: "a")) == .wait)
        lanes.park("a")

        lanes.dropBefore(later)

        #expect(lanes.active == 0 && lanes.parked == 1)
        #expect(lanes.reserve(upTo: 1) == 1)
        #expect(lanes.admit(entry("1-0", saga: "a", in: later)) == .wait)
        #expect(lanes.leave("a")?.epoch == later)
        #expect(lanes.active == 1 && lanes.parked == 0)
        #expect(lanes.finish("a") == nil)
        #expect(lanes.isEmpty && lanes.active == 0)
    }

    private let later = StoreEpoch(1)

    private func entry(
        _ id: String, saga: String, in epoch: StoreEpoch = StoreEpoch(), size: Int = 0
    ) -> HeldEntry {
        let event = CloudEvent(source: "/a", type: "T", subject: saga, data: Array("{}".utf8))
        return HeldEntry(
            stream: 0, id: id, content: .event(event), deliveredBefore: false, epoch: epoch,
            size: size)
    }
}
