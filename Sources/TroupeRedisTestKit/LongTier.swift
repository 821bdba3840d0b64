package import Testing

/// Whether tests that take long are to run: big bodies, long explorations, soaks.
package enum LongTier {
    /// Set by `tools/check --long`.
    package static var isWanted: Bool {
        TemporaryFolder.environment("TROUPE_LONG_TESTS") == "1"
    }
}

extension Trait where Self == ConditionTrait {
    /// Runs only with `tools/check --long`.
    ///
    /// For what takes more than some five seconds; what it shows in short belongs beside it.
    package static var long: ConditionTrait {
        .enabled(if: LongTier.isWanted, "a long test: tools/check --long")
    }
}
