import ServiceHTTP
import Testing

@testable import troupe

@Suite(.timeLimit(.minutes(1)))
struct EpisodeTests {
    @Test func aTroubleIsAsOldAsItsFirstSight() {
        let episode = Episode()
        let start = ContinuousClock.now

        #expect(episode.trouble(unless: true, at: start) == nil)
        #expect(episode.trouble(unless: false, at: start + .seconds(1))?.age == .zero)
        #expect(episode.trouble(unless: false, at: start + .seconds(7))?.age == .seconds(6))
    }

    @Test func aTroubleThatIsOverIsForgotten() {
        let episode = Episode()
        let start = ContinuousClock.now
        _ = episode.trouble(unless: false, at: start)

        #expect(episode.trouble(unless: true, at: start + .seconds(9)) == nil)
        #expect(episode.trouble(unless: false, at: start + .seconds(10))?.age == .zero)
    }
}
