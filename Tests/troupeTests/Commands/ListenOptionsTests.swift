import ArgumentParser
import Testing

@testable import troupe

@Suite(.timeLimit(.minutes(1)))
struct ListenOptionsTests {
    private func place(
        _ arguments: [String] = [], _ variables: [String: String] = [:]
    ) throws -> Addresses.Place {
        try ListenOptions.place(
            .parse(arguments), in: EnvironmentOptions(variables: variables))
    }

    @Test func loopbackUnlessToldOtherwise() throws {
        #expect(try place() == Addresses.Place(host: "127.0.0.1", adminHost: "127.0.0.1"))
    }

    @Test func optionsWinOverVariables() throws {
        let variables = ["HOST": "0.0.0.0", "TROUPE_ADMIN_HOST": "::1"]

        let told = try place([], variables)
        let overruled = try place(["--host", "::", "--admin-host", "localhost"], variables)

        #expect(told == Addresses.Place(host: "0.0.0.0", adminHost: "::1"))
        #expect(overruled == Addresses.Place(host: "::", adminHost: "127.0.0.1"))
    }

    /// Some shells set HOST to the machine's name.
    @Test(arguments: ["mymac.local", "example.org", "256.1.1.1", "*"])
    func aNameIsNoAddressToListenOn(host: String) throws {
        let failure = try #require(throws: CommandFailure.self) { try place([], ["HOST": host]) }

        #expect(failure.code == .usage)
        #expect(failure.message.contains("HOST is “\(host)”"))
    }

    @Test func processesOfOneMachineFindEachOtherWhereverTheyListen() {
        func url(_ host: String) -> String {
            Addresses(gateway: 4_000, place: .init(host: host)).url(of: .orders)
        }

        #expect(url("0.0.0.0") == "http://127.0.0.1:4003")
        #expect(url("::") == "http://[::1]:4003")
        #expect(url("10.0.0.7") == "http://10.0.0.7:4003")
    }

    @Test func graceHasItsDefaultAndItsLimits() throws {
        func grace(_ arguments: [String], _ variables: [String: String] = [:]) throws -> Duration {
            try ListenOptions.grace(
                .parse(arguments), in: EnvironmentOptions(variables: variables), default: 5)
        }

        #expect(try grace([]) == .seconds(5))
        #expect(try grace([], ["TROUPE_GRACE": "0"]) == .zero)
        #expect(try grace(["--grace", "30"], ["TROUPE_GRACE": "0"]) == .seconds(30))
        #expect(try grace(["--grace", "30s"]) == .seconds(30))
        for wrong in ["-1", "5m", "s", ""] {
            let failure = #expect(throws: CommandFailure.self) { try grace(["--grace", wrong]) }
            #expect(failure?.message.contains("“\(wrong)”") == true)
        }
        #expect(throws: CommandFailure.self) { try grace([], ["TROUPE_GRACE": "soon"]) }
        #expect(throws: CommandFailure.self) { try grace(["--grace", "601"]) }
    }

    @Test func childrenListenWhereTheirParentDoes() throws {
        let nowhere = EnvironmentOptions(variables: [:])
        let parent = try SystemSettings(
            redis: .parse([]), listen: .parse(["--host", "::", "--grace", "7"]), logs: .parse([]),
            in: nowhere)
        let untold = try SystemSettings(redis: .parse([]), logs: .parse([]), in: nowhere)

        let child = try SystemSettings(
            redis: .parse([]), logs: .parse([]),
            in: EnvironmentOptions(variables: parent.variables))

        #expect(child.place.host == "::" && child.hostIsNamed)
        #expect(child.grace == .seconds(7))
        #expect(untold.variables["HOST"] == nil, "the gateway's file may say it")
    }
}
