//! Why a tokenizer could not be set up, or a text not be put into tokens.

/// What is wrong with a tokenizer, its files, its chat template or a text.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// A tokenizer that comes from files was asked to be built from a task.
    #[error(
        "tokenizer.kind = \"file\" needs a tokenizer.json: give tokenizer.path or model.path, or \
         choose tokenizer.kind = \"char\", \"word\" or \"bpe\""
    )]
    FileNeeded,
    /// The task gave no text to build a vocabulary from.
    #[error("task {task} has no texts to build a vocabulary from: check its data files")]
    NoTexts {
        /// The task's name.
        task: &'static str,
    },
    /// A byte-level vocabulary that would not even hold the bytes.
    #[error(
        "tokenizer.vocab_size = {vocab_size}: the bytes, <pad>, <eos> and the task's tags alone \
         are {needed} tokens; set it to {needed} or more"
    )]
    VocabularyTooSmall {
        /// The size the configuration gives.
        vocab_size: usize,
        /// The smallest size there can be.
        needed: usize,
    },
    /// A tokenizer that could not be put together.
    #[error("the tokenizer of task {task} could not be built: {reason}")]
    Build {
        /// The task's name.
        task: &'static str,
        /// The tokenizers library's reason.
        reason: String,
    },
    /// A file that is not what its name says.
    #[error("{file} cannot be read: {reason}; take the file anew from where the model came from")]
    File {
        /// The file's name.
        file: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A special token that the vocabulary does not have.
    #[error(
        "{file}: {field} = {token:?} is not in the vocabulary of tokenizer.json; name one of its \
         tokens there"
    )]
    NotInVocabulary {
        /// The file's name.
        file: &'static str,
        /// The field that names the token.
        field: &'static str,
        /// The token, or its id.
        token: String,
    },
    /// No file says which token ends a sequence.
    #[error(
        "no file says which token ends a sequence: add \"eos_token\" to tokenizer_config.json \
         (special tokens there are: {special})"
    )]
    NoEndOfSequence {
        /// The special tokens of the vocabulary, separated by commas.
        special: String,
    },
    /// A chat template is asked for and there is none.
    #[error(
        "tokenizer.chat_template = true, but neither chat_template.jinja nor tokenizer_config.json \
         has a chat template: set it to false, or take a model made for conversations"
    )]
    NoChatTemplate,
    /// A chat template that cannot be parsed or does not accept the conversation.
    #[error(
        "the chat template cannot be used: {reason}; set tokenizer.chat_template = false, or \
         correct the template"
    )]
    ChatTemplate {
        /// The template engine's reason, or what the template itself raises.
        reason: String,
    },
    /// A text holds a piece that is not in the vocabulary.
    #[error(
        "{piece:?} (at character {position} of {text:?}) is not in the vocabulary: use words the \
         task knows, or set tokenizer.kind = \"bpe\""
    )]
    UnknownPiece {
        /// The first piece that is not known.
        piece: String,
        /// Where it starts: characters before it.
        position: usize,
        /// The text, shortened around the piece.
        text: String,
    },
    /// A text that the tokenizer refuses for another reason.
    #[error("{text:?} cannot be put into tokens: {reason}")]
    Encode {
        /// The text, shortened.
        text: String,
        /// The tokenizers library's reason.
        reason: String,
    },
}
