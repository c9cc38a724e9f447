//! Tells Zed how to start `copilot lsp`. Does not know what the server does.

use zed_extension_api::{
    self as zed, serde_json::Value, settings::LspSettings, Command, LanguageServerId, Result, Worktree,
};

struct CopilotOffline;

impl zed::Extension for CopilotOffline {
    fn new() -> Self {
        CopilotOffline
    }

    /// The program that the settings name, else the `copilot` of the project's shell.
    fn language_server_command(&mut self, id: &LanguageServerId, worktree: &Worktree) -> Result<Command> {
        let binary = LspSettings::for_worktree(id.as_ref(), worktree).ok().and_then(|found| found.binary);
        let (path, arguments) = binary.map_or((None, None), |found| (found.path, found.arguments));
        let command = path
            .or_else(|| worktree.which("copilot"))
            .ok_or("`copilot` is not found; put it on PATH or name it in lsp.copilot-offline.binary.path")?;
        Ok(Command {
            command,
            args: arguments.unwrap_or_else(|| vec!["lsp".to_string()]),
            env: worktree.shell_env(),
        })
    }

    fn language_server_initialization_options(
        &mut self,
        id: &LanguageServerId,
        worktree: &Worktree,
    ) -> Result<Option<Value>> {
        Ok(LspSettings::for_worktree(id.as_ref(), worktree)?.initialization_options)
    }
}

zed::register_extension!(CopilotOffline);
