import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import troupe

/// Whoever watches with too few rights is told which, and how they are given.
@Suite(.timeLimit(.minutes(3)))
struct MissingRightsTests {
    private struct Case {
        var command: String
        var rule: String
        var what: String
        var rules: String
    }

    private static let show = "saga show 1"
    private static let tail = "tail"
    /// With scripts Redis tells all at once; without, its refusals tell.
    private static let cases = [
        Case(command: show, rule: "~* &* +@all -scan", what: "may not run SCAN", rules: "+scan"),
        Case(
            command: show, rule: "~x:* +@all -xrange", what: "may not use the keys saga:*",
            rules: "'~saga:*'"),
        Case(
            command: show, rule: "~saga:* +ping +client|setname", what: "may not run SCAN, XRANGE",
            rules: "+scan +xrange"),
        Case(
            command: show, rule: "+ping", what: "may not run CLIENT|SETNAME, SCAN, XRANGE",
            rules: "+scan +xrange +hmget +zscore +eval +evalsha +ping"),
        Case(
            command: show, rule: "~x:* +ping +client|setname +scan +xrange +hmget +zscore",
            what: "may not run EVAL, EVALSHA", rules: "'~saga:*'"),
        Case(
            command: tail, rule: "~* +@all", what: "may not use the channels saga.*",
            rules: "'&saga.*'"),
        Case(
            command: tail, rule: "~* &* +@all -psubscribe", what: "may not run PSUBSCRIBE",
            rules: "+psubscribe"),
        Case(
            command: tail, rule: "~saga:* +ping +client|setname +subscribe +psubscribe",
            what: "may not", rules: "'&saga.*'"),
    ]

    @Test(arguments: MissingRightsTests.cases.indices)
    func theRightThatIsMissingIsNamedToWhoWatches(index: Int) async throws {
        let wanted = Self.cases[index]
        let redis = try await RedisServer.launch()
        let client = redis.client()
        _ = try await client.send(
            RedisCommand("XADD", ["saga:{order}:OrderCreated", "*", "data", "{}"]))
        let url = try await redis.createUser(wanted.rule)

        let program = try LoneProgram(wanted.command, variables: ["REDIS_URL": url])

        #expect(await program.child.exitStatus() == 4, "\(program.output)")
        let output = program.output
        #expect(output.contains("the user app \(wanted.what)"), "\(output)")
        let tool = "try: redis-cli -h 127.0.0.1 -p \(redis.port) ACL SETUSER app "
        let rules = output.split(separator: tool).last ?? ""
        #expect(output.contains(tool) && rules.contains(wanted.rules), "\(output)")
        #expect(!output.contains("--redis") && !output.contains("secret"), "\(output)")
        await program.close()
        await client.shutdown()
        await redis.stop()
    }
}
