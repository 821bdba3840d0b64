import Testing

@testable import EventStreams

@Suite(.timeLimit(.minutes(1)))
struct PagePlanTests {
    @Test func pagesAreQuarteredDownToOneEntry() {
        var plan = PagePlan(count: 500, bytes: 4 << 20)
        var sizes: [Int] = [plan.count]
        while plan.count > 1, plan.wasTooMuch() { sizes.append(plan.count) }

        #expect(sizes == [500, 125, 31, 7, 1])
        #expect(plan.bytes == 16 << 10)
    }

    @Test func anEntryIsTriedThriceAloneBeforeItsSizeIsTheReason() {
        var plan = PagePlan(count: 1, entryBytes: 8 << 20)
        #expect(plan.wasTooMuch() && plan.wasTooMuch())
        #expect(plan.entryBytes == 8 << 20)
        plan.came()
        #expect(plan.wasTooMuch() && plan.wasTooMuch() && plan.wasTooMuch())
        #expect(plan.entryBytes == 1 << 20)

        #expect(plan.wasTooMuch() && plan.wasTooMuch() && !plan.wasTooMuch())
    }

    @Test func noMoreIsAskedForThanIsTaken() {
        let plan = PagePlan().fitting(1 << 20)

        #expect(plan.bytes == 512 << 10 && plan.entryBytes == 512 << 10)
        #expect(plan.replyBytes <= 1 << 20)
        #expect(PagePlan().fitting(512 << 20) == PagePlan())
    }
}
