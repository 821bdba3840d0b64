import Saga
import SagaRedis
import Timekeeping
import TroupeRedis

/// What `doctor` thinks of the sagas on a Redis.
extension Diagnosis {
    /// How far a company's clock may be from that of Redis, in milliseconds.
    private static let clockMargin: Int64 = 60_000
    /// How long after its first event a new service may have noted its beginning.
    private static let startMargin: Int64 = 1_000

    /// One line where all is well, else one for each thing that is not.
    static func findings(
        _ facts: SagaFacts, at redis: RedisConfiguration, _ names: SagaKeys
    ) -> [Finding] {
        let tool = RedisTool(configuration: redis).administration
        var findings = facts.participants.flatMap { participant in
            lost(participant) + unknown(participant) + letters(participant, tool, names)
                + blocked(participant)
        }
        findings += facts.forgotten.map { forgotten($0, tool) }
        if let fault = facts.fault {
            findings.append(
                Finding(
                    level: .advice, subject: "sagas",
                    what: "not looked at to the end: \(fault)",
                    remedy: fault.contains("WRONGTYPE")
                        ? "look for the key in the readiness of the services, and who writes it"
                        : "give the user the rights of who watches, as README names them"))
        } else if findings.isEmpty {
            findings.append(
                Finding(
                    level: .fine, subject: "sagas",
                    what: "none is blocked, no event was put aside, no group is forgotten"))
        }
        if let companies = facts.silentCompanies {
            findings.append(
                Finding(
                    level: .fine, subject: "books",
                    what: "not compared, as the companies do not answer at \(companies)"))
        }
        return findings
    }

    // MARK: - What was lost

    /// Nothing of a participant can be older than its data, unless there was other data before.
    private static func lost(_ participant: SagaFacts.Participant) -> [Finding] {
        var findings: [Finding] = []
        if let born = participant.born, let first = participant.firstEvent,
            first < born - startMargin
        {
            findings.append(
                loss(
                    "the data of \(participant.name) is from \(Timestamp(milliseconds: born)), "
                        + "and its events from \(Timestamp(milliseconds: first)) on: what was "
                        + "known of these is lost"))
        }
        let times = participant.books?.times ?? []
        let older = times.filter { $0 < (participant.born ?? .max) - clockMargin }
        if let first = older.first {
            let present =
                participant.born.map { "the data is from \(Timestamp(milliseconds: $0))" }
                ?? "there is no data"
            let since = Timestamp(milliseconds: first)
            findings.append(
                loss(
                    "the company of \(participant.name) did \(count(older.count, "thing")) for us "
                        + "before, from \(since) on, and \(present): it was lost, or this is "
                        + "another Redis or namespace"))
        }
        return findings
    }

    /// The service itself asks the owner, and undoes what is not wanted; what it may not judge, or
    /// what its owner says completed, stays.
    private static func unknown(_ participant: SagaFacts.Participant) -> [Finding] {
        guard let books = participant.books else { return [] }
        let number = books.unknown
        guard number > 0 else {
            guard books.isCut else { return [] }
            return [
                Finding(
                    level: .advice, subject: "books",
                    what: "those of the company of \(participant.name) are so long that not all "
                        + "were looked at",
                    remedy: "troupe reconcile --dry-run, which reads them to the end")
            ]
        }
        return [
            Finding(
                level: .problem, subject: "books",
                what: "the company of \(participant.name) says that \(count(number, "thing")) of "
                    + "ours stand\(number == 1 ? "s" : ""), and no ledger knows of "
                    + "\(number == 1 ? "it" : "them"): a person has to look, unless "
                    + "\(participant.name) is down or paused",
                remedy: "troupe reconcile --dry-run, which names them")
        ]
    }

    private static func loss(_ what: String) -> Finding {
        Finding(
            level: .problem, subject: "loss", what: what,
            remedy: "troupe reconcile --dry-run, which shows what no ledger knows")
    }

    // MARK: - What does not go on

    private static func letters(
        _ participant: SagaFacts.Participant, _ tool: String, _ names: SagaKeys
    ) -> [Finding] {
        let old = DeadLetter.Reason.tooOld.rawValue
        let least = participant.letters.isCut ? "at least " : ""
        var findings: [Finding] = []
        if let number = participant.letters.byReason[old] {
            findings.append(
                Finding(
                    level: .problem, subject: "letters",
                    what: "\(participant.name) has put \(least)\(count(number, "event")) aside as "
                        + "\(old): from before the data in Redis, or older than ledgers are kept; "
                        + "nothing was done on their account",
                    remedy: "troupe reconcile --dry-run, which shows what no ledger knows"))
        }
        let others = participant.letters.byReason.filter { $0.key != old }
        if !others.isEmpty {
            let all = others.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
                .map { "\($0.value) \($0.key)" }.joined(separator: ", ")
            findings.append(
                Finding(
                    level: .advice, subject: "letters",
                    what: "\(participant.name) has put events aside: \(least)\(all)",
                    remedy: "\(tool) XREVRANGE '\(names.dead(participant.name))' + - COUNT 10"))
        }
        return findings
    }

    private static func blocked(_ participant: SagaFacts.Participant) -> [Finding] {
        let blocked = participant.blocked
        guard let oldest = blocked.oldest else { return [] }
        let states = BlockedState.allCases.compactMap { state -> String? in
            guard let number = blocked.byState[state], number > 0 else { return nil }
            return switch state {
            case .owes: "\(number) tried again"
            case .asks: "\(number) asking a person"
            case .letter: "\(number) with a dead letter"
            }
        }
        let number = blocked.byState.values.reduce(0, +)
        let age = age(.milliseconds(max(0, blocked.now - oldest.since)))
        return [
            Finding(
                level: .problem, subject: "blocked",
                what: "\(participant.name) is blocked at \(count(number, "saga")), "
                    + states.joined(separator: ", ") + "; at the oldest for \(age)",
                remedy: "troupe saga show \(oldest.saga)")
        ]
    }

    private static func forgotten(_ group: StoreLook.Forgotten, _ tool: String) -> Finding {
        Finding(
            level: .advice, subject: "groups",
            what: "\(group.group) has not read what is older than events are kept in "
                + "\(group.stream), which grows",
            remedy: "start \(group.group), or if it is gone for good: \(tool) XGROUP DESTROY "
                + "'\(group.stream)' '\(group.group)'")
    }

    // MARK: - Words

    private static func count(_ number: Int, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
    }

    /// In the largest unit of which there is at least one.
    static func age(_ age: Duration) -> String {
        let seconds = age.components.seconds
        return switch seconds {
        case ..<60: "\(seconds) s"
        case ..<3_600: "\(seconds / 60) min"
        case ..<86_400: "\(seconds / 3_600) h"
        default: "\(seconds / 86_400) d"
        }
    }
}
